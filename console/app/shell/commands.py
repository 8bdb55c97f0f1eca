"""The commands of the `:` line: one row each. A new command is a new row."""

import difflib
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import InvalidInput, NotFound
from console.app.widgets.prompt import Suggestion

Completer = Callable[[str], Sequence[Suggestion]]
"""Takes the argument as typed so far; suggestions replace it from their `start`."""


class Command(Struct, frozen=True, kw_only=True):
    """One command of the `:` line."""

    name: str
    help: str
    action: str
    """An action of the app that takes the argument: `models` calls `action_models(argument)`."""
    argument: str = ""
    """How the argument is written in help: `NAME`; `[FILTER]` when it may be left out."""
    complete: str = ""
    """What the argument is: a key of the app's completers (`model`, `service`, `path` …)."""
    aliases: tuple[str, ...] = ()


COMMANDS: tuple[Command, ...] = (
    Command(
        name="models",
        help="models, filtered",
        action="models",
        argument="[FILTER]",
        complete="filter",
        aliases=("model", "m"),
    ),
    Command(
        name="services", help="services", action="services", argument="[FILTER]", aliases=("s",)
    ),
    Command(name="targets", help="targets", action="targets", aliases=("target",)),
    Command(name="activity", help="what happened", action="activity"),
    Command(
        name="logs", help="logs of a service", action="logs", argument="NAME", complete="service"
    ),
    Command(
        name="test",
        help="send a request to a service",
        action="test",
        argument="NAME",
        complete="service",
    ),
    Command(
        name="deploy",
        help="deploy a model",
        action="deploy",
        argument="MODEL[:VERSION]",
        complete="model",
    ),
    Command(
        name="register",
        help="register a model from a file or folder",
        action="register",
        argument="PATH",
        complete="path",
    ),
    Command(
        name="verify",
        help="re-hash stored files: all, or of one version",
        action="verify",
        argument="[MODEL:VERSION]",
        complete="model",
    ),
    Command(
        name="theme", help="switch the theme", action="theme", argument="NAME", complete="theme"
    ),
    Command(name="help", help="the keys of this view", action="help_keys"),
    Command(name="q", help="quit", action="leave", aliases=("quit", "exit")),
)


def find(line: str) -> tuple[Command, str]:
    """The command that `line` names and its argument.

    Raises:
        NotFound: no command has that name; near ones are given.
        InvalidInput: the command needs an argument.
    """
    name, _, argument = line.strip().removeprefix(":").partition(" ")
    argument = argument.strip()
    for command in COMMANDS:
        if name == command.name or name in command.aliases:
            if command.argument and not command.argument.startswith("[") and not argument:
                raise InvalidInput(
                    f":{name} needs {command.argument}.",
                    fix=f"For example :{name} {command.argument}",
                )
            return command, argument
    names = [command.name for command in COMMANDS]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names
    raise NotFound(
        f"There is no command ':{name}'.", fix="Near: " + ", ".join(f":{each}" for each in near)
    )


def suggest(line: str, completers: dict[str, Completer]) -> Sequence[Suggestion]:
    """Completions of a `:` line: of the command's name, then of its argument."""
    name, space, argument = line.partition(" ")
    if not space:
        return [
            Suggestion(f"{command.name} " if command.argument else command.name, command.help, 0)
            for command in COMMANDS
            if command.name.startswith(name)
        ]
    command = next((c for c in COMMANDS if name == c.name or name in c.aliases), None)
    complete = completers.get(command.complete) if command else None
    if complete is None:
        return ()
    offset = len(name) + 1
    return [replace(each, start=each.start + offset) for each in complete(argument)]
