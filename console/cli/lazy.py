"""Groups whose commands are imported only when they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

import click


@dataclass(frozen=True, slots=True)
class Row:
    """One command of a group."""

    target: str
    """`module:attribute` of its click command."""
    help: str
    """Its line in the group's help."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A word of `az ml` v1 that has no command here."""

    what: str
    """Why there is none."""
    fix: str
    """What to do instead."""


class LazyGroup(click.Group):
    """A group made of a table of rows: listing them, or asking for help, imports none."""

    def __init__(
        self,
        name: str,
        rows: Mapping[str, Row],
        *,
        help: str,
        elsewhere: Mapping[str, Elsewhere] = MappingProxyType({}),
    ) -> None:
        super().__init__(name, help=help)
        self._rows = rows
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The words, in the table's order."""
        return list(self._rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a word, imported now."""
        row = self._rows.get(cmd_name)
        if row is None:
            gone = self._elsewhere.get(cmd_name)
            return _refusal(cmd_name, gone) if gone else None
        module, _, attribute = row.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown word is answered with the nearest one."""
        word = args[0]
        if word.startswith("-") or self.get_command(ctx, word):
            return super().resolve_command(ctx, args)
        near = self.nearest(word)
        hint = f" Did you mean '{near}'?" if near else f" There is: {', '.join(self._rows)}."
        raise click.UsageError(f"'{ctx.command_path}' has no command '{word}'.{hint}", ctx)

    def nearest(self, word: str) -> str | None:
        """The command that a mistyped word probably means."""
        from difflib import get_close_matches

        return next(iter(get_close_matches(word, self._rows, n=1, cutoff=0.7)), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' section from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, row.help) for word, row in self._rows.items()])


def _refusal(word: str, gone: Elsewhere) -> click.Command:
    """A command that takes anything and says what to do instead."""

    def refuse(**_words: object) -> None:
        from backends.errors import Unsupported

        raise Unsupported(gone.what, fix=gone.fix)

    return click.Command(
        word,
        callback=refuse,
        hidden=True,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
    )
