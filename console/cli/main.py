"""The root command: the console without words, commands with them."""

import io
import os
import sys
from collections.abc import Sequence
from types import MappingProxyType

import click

from console.cli.errors import INTERRUPTED, report
from console.cli.lazy import Elsewhere, LazyGroup, Row

PROGRAM = "pilothouse"
COMPLETION = "_PILOTHOUSE_COMPLETE"
"""Set by the shell's completion function to ask for words."""

ROWS = MappingProxyType(
    {
        "model": Row("console.cli.commands.model:model", "Register, find and deploy models."),
        "service": Row("console.cli.commands.service:service", "Watch, call and change services."),
        "computetarget": Row(
            "console.cli.commands.computetarget:computetarget", "Places to deploy to."
        ),
        "environment": Row(
            "console.cli.commands.environment:environment", "Packages that models need."
        ),
        "image": Row("console.cli.commands.image:image", "Images of environments and services."),
        "workspace": Row(
            "console.cli.commands.workspace:workspace", "A registry with its services and targets."
        ),
        "folder": Row("console.cli.commands.folder:folder", "Tie a project folder to a workspace."),
        "config": Row("console.cli.commands.config:config", "Check config files."),
        "doctor": Row(
            "console.cli.commands.doctor:doctor", "What works on this machine, and each fix."
        ),
        "demo": Row("console.cli.demo:demo", "A throw-away workspace with models that answer."),
        "completion": Row("console.cli.commands.completion:completion", "Completion for a shell."),
    }
)
_NO_RUNS = Elsewhere(
    "Pilothouse deploys models; it does not run training, pipelines or data sets.",
    "Register what training left behind: pilothouse model register -n NAME -p PATH.",
)
_NO_ENDPOINT = Elsewhere(
    "Endpoints with several weighted versions are not offered.",
    "Deploy each version as a service: pilothouse model deploy -n NAME -m MODEL:VERSION.",
)
ELSEWHERE = MappingProxyType(
    dict.fromkeys(("run", "experiment", "pipeline", "dataset", "datastore"), _NO_RUNS)
    | {"endpoint": _NO_ENDPOINT}
)


class Root(LazyGroup):
    """`pilothouse`: opens the console when no word follows."""

    def __init__(self) -> None:
        super().__init__(
            PROGRAM,
            ROWS,
            help="A console for machine-learning models in service: registry, deploy, observe,"
            " request. Without a command it opens in this terminal.",
            elsewhere=ELSEWHERE,
        )
        self.callback = _open_console_without_words
        self.invoke_without_command = True
        self.no_args_is_help = False
        self.epilog = (
            "Results go to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 usage,"
            " 3 the target could not be reached, 124 a wait timed out, 130 interrupted. State lies"
            " in $PILOTHOUSE_HOME."
        )
        self.context_settings = {"help_option_names": ["-h", "--help"]}
        self.params += [
            click.Option(["-w", "--workspace-name", "workspace"], help="Workspace to work in."),
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show tracebacks."),
            click.Option(
                ["--version", "version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help="Print the version and exit.",
            ),
        ]


def run(args: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    if instruction := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(Root(), {}, PROGRAM, COMPLETION, instruction)
    _print_anything()
    try:
        _check_text(args)
        root = Root()
        with root.make_context(PROGRAM, list(args)) as context:
            root.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return 0
    except Exception as error:  # the border: whatever went wrong is reported here
        return report(error, debug="--debug" in args)
    return 0


def _check_text(args: Sequence[str]) -> None:
    """Refuse words that are no text: nothing can store or send them."""
    for word in args:
        if not word.isascii() and any("\ud800" <= char <= "\udfff" for char in word):
            raise click.UsageError(f"'{word}' is not valid UTF-8.")


def _print_anything() -> None:
    """Characters that an output's encoding has not are escaped there, and fail nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"{PROGRAM} {version(PROGRAM)}")
        ctx.exit()


@click.pass_context
def _open_console_without_words(ctx: click.Context, workspace: str | None) -> None:
    if ctx.invoked_subcommand is None:
        from console.cli.opening import open_console

        ctx.exit(open_console(workspace))


def _let_go_of_stdout() -> None:
    """Keep the interpreter from complaining at its end about the reader that went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
