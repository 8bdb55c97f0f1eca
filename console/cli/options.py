"""Flags that every command takes, and the shapes of values that several take."""

from collections.abc import Callable, Iterable
from typing import Any

import click

FORMATS = ("table", "json", "jsonc", "yaml", "tsv", "none")
GLOBALS = frozenset(
    {
        "workspace_name",
        "resource_group",
        "path",
        "subscription",
        "output",
        "query",
        "full",
        "verbose",
        "debug",
        "only_show_errors",
    }
)


def global_options() -> list[click.Option]:
    """The flags of every command, as `az ml` v1 spells them."""
    return [
        click.Option(
            ["-w", "--workspace-name", "workspace_name"],
            help="Workspace; else $PILOTHOUSE_WORKSPACE, a config.json found upwards, 'default'.",
        ),
        click.Option(
            ["-g", "--resource-group", "resource_group"],
            help="Accepted and kept in metadata files; nothing here depends on it.",
        ),
        click.Option(
            ["--path", "path"],
            default=".",
            show_default="here",
            help="Project folder: where the search for config.json begins.",
        ),
        click.Option(
            ["--subscription-id", "--subscription", "subscription"],
            help="Accepted; nothing here depends on it.",
        ),
        click.Option(
            ["-o", "--output", "output"],
            type=click.Choice(FORMATS),
            help="Table on a terminal, JSON in a pipe.",
        ),
        click.Option(["--query", "query"], help="JMESPath expression on the result."),
        click.Option(["-v", "full"], is_flag=True, help="Print the whole object."),
        click.Option(["--verbose", "verbose"], is_flag=True, help="Say more on stderr."),
        click.Option(["--debug", "debug"], is_flag=True, help="Show the traceback of an error."),
        click.Option(
            ["--only-show-errors", "only_show_errors"],
            is_flag=True,
            help="No notes and no progress on stderr.",
        ),
    ]


class Command(click.Command):
    """A command that also takes the global flags and finds them in `ctx.obj`, a `Session`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {word for param in self.params for word in param.opts}
        self.params += [own for own in global_options() if not taken.intersection(own.opts)]

    def invoke(self, ctx: click.Context) -> Any:
        """Take the global flags out of the parameters, then run the command."""
        from console.cli.context import Session

        given = {name: ctx.params.pop(name) for name in GLOBALS & ctx.params.keys()}
        given["workspace_name"] = given["workspace_name"] or ctx.find_root().params.get("workspace")
        ctx.obj = Session.from_flags(given)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own flags first, the global ones after them."""
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                (common if param.name in GLOBALS else own).append(record)
        for title, records in (("Options", own), ("Global options", common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Pair(click.ParamType[tuple[str, str]]):
    """`key=value`; the key is not empty, the value may be."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = str(value).partition("=")
        if not key or not equals:
            self.fail(f"'{value}' is not of the form key=value.", param, ctx)
        return key, rest


PAIR = Pair()


def accepted(*words: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option of `az ml` v1 that scripts may give and that changes nothing here."""
    return click.option(*words, expose_value=False, **kwargs)


def merged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a mapping; of two with the same key the later holds."""
    return dict(pairs)
