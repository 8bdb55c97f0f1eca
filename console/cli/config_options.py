"""Flags that stand for keys of the config files, made from the files' own field table."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backends.configs.field import ANY_TYPE
from backends.configs.fields import (
    DEPLOYMENT_FIELDS,
    ENVIRONMENT_FLAGS,
    INFERENCE_FIELDS,
    Field,
    Kind,
)
from console.cli.parsed import checked

if TYPE_CHECKING:
    from backends.configs.records import DeploymentConfig, InferenceConfig
    from console.cli.context import Session

PREFIX = "config_"
"""Begins the parameter names of these flags, which are the fields' own names after it."""
OWN = frozenset({"compute_target", "tags", "properties", "description"})
"""Fields that commands have flags of their own for: they belong to the service, too."""
_METAVARS = {
    Kind.PATH: "PATH",
    Kind.INTEGER: "N",
    Kind.NUMBER: "X",
    Kind.SWITCH: "true|false",
}


class Coded(click.Option):
    """An option whose short code is taken with one dash, too: `-ic` as in 2019, `--ic` later."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        words = list(words)
        self.shown = [word for word in words if word.startswith("-")]
        codes = [word[1:] for word in words if word.startswith("--") and len(word) <= len("--gbl")]
        super().__init__([*words, *codes], **kwargs)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """One spelling of the code is enough in the help."""
        if self.hidden:
            return None
        value = "" if self.is_flag else f" {self.make_metavar(ctx)}"
        return ", ".join(self.shown) + value, self.help or ""


def coded(*words: str, **kwargs: Any) -> Callable[[Any], Any]:
    """`click.option` for an option with a short code."""
    return click.option(*words, cls=Coded, **kwargs)


def config_options(command: Any) -> Any:
    """Add a flag for each field that has one, in the table's order."""
    for rows in reversed(flagged()):
        command = _option(rows)(command)
    return command


def _option(rows: "list[Field]") -> Callable[[Any], Any]:
    field = rows[0]
    return click.option(
        *field.flags,
        PREFIX + field.name,
        cls=Coded,
        metavar=_METAVARS.get(field.kind, "|".join(field.choices) or "TEXT"),
        help=_help(rows),
    )


def inference_options(command: Any) -> Any:
    """The same for the inference config alone."""
    own = {field.name for field in (*INFERENCE_FIELDS, *ENVIRONMENT_FLAGS)}
    for rows in reversed([rows for rows in flagged() if rows[0].name in own]):
        command = _option(rows)(command)
    return command


def flagged() -> list[list[Field]]:
    """The fields with flags: the rows of one flag together, in the table's order.

    What every command has a flag of its own for (`OWN`) is left out.
    """
    rows: dict[str, list[Field]] = {}
    for field in (*INFERENCE_FIELDS, *ENVIRONMENT_FLAGS, *DEPLOYMENT_FIELDS):
        if field.flags and field.name not in OWN:
            rows.setdefault(field.name, []).append(field)
    return list(rows.values())


def inference_config(
    session: "Session",
    file: str | None,
    parameters: Mapping[str, Any],
    *,
    running: "InferenceConfig | None" = None,
) -> "InferenceConfig | None":
    """The inference config of a file, else of what runs, with flags over it.

    None when neither file nor flag is given.
    """
    from backends.configs.inference import inference_with_flags, read_inference

    flags = _said(parameters, (*INFERENCE_FIELDS, *ENVIRONMENT_FLAGS))
    if file:
        return checked(session, read_inference(Path(file), flags))
    return checked(session, inference_with_flags(running, flags)) if flags else None


def deployment_config(
    session: "Session",
    file: str | None,
    parameters: Mapping[str, Any],
    *,
    running: "DeploymentConfig | None" = None,
    compute_type: str = "",
) -> "DeploymentConfig | None":
    """The deployment config of a file, else of what runs or of `compute_type`, with flags over it.

    None when neither file, flag nor `compute_type` is given.
    """
    from backends.configs.deployment import deployment_with_flags, read_deployment

    flags = _said(parameters, DEPLOYMENT_FIELDS)
    if file:
        return checked(session, read_deployment(Path(file), flags))
    if compute_type:
        flags.setdefault("compute_type", compute_type)
    return checked(session, deployment_with_flags(running, flags)) if flags else None


def _said(parameters: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, str]:
    """The flags that were given and belong to these fields, by the fields' names."""
    given = {field.name: parameters.get(PREFIX + field.name) for field in fields}
    return {name: str(value) for name, value in given.items() if value is not None}


def _help(rows: list[Field]) -> str:
    """The field's line, with its defaults and the compute types that it is for."""
    first = rows[0]
    if len({row.default for row in rows}) == 1:
        default = first.default
    else:
        default = ", ".join(f"{row.default or 'none'} ({_types(row)})" for row in rows)
    for_types = frozenset().union(*(row.computes for row in rows))
    only = f" Only {', '.join(sorted(for_types))}." if for_types != ANY_TYPE else ""
    return first.help + (f" Default: {default}." if default else "") + only


def _types(field: Field) -> str:
    return ", ".join(sorted(field.computes))
