"""`pilothouse completion`."""

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash: eval "$(pilothouse completion bash)"   in ~/.bashrc
    zsh:  eval "$(pilothouse completion zsh)"    in ~/.zshrc
    fish: pilothouse completion fish > ~/.config/fish/completions/pilothouse.fish
    """
    from click.shell_completion import get_completion_class

    from console.cli.main import COMPLETION, PROGRAM, Root

    made = get_completion_class(shell)
    assert made is not None, "click completes all of SHELLS"
    script = made(Root(), {}, PROGRAM, COMPLETION)
    click.echo(made.source_template % script.source_vars())
