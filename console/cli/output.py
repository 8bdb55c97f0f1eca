"""Results on stdout: table, JSON, YAML or tab-separated, after an optional JMESPath query."""

import json
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from console.cli.colour import coloured_json
from console.cli.tables import grid, sheet, table_of
from console.cli.text import printable


class Output(Struct, frozen=True, kw_only=True):
    """How this run prints its result."""

    format: str
    chosen: bool
    """The format was asked for, not the default of a terminal or a pipe."""
    query: str | None

    @classmethod
    def choose(cls, format: str | None, query: str | None) -> "Output":
        """The asked format, else a table on a terminal and JSON in a pipe.

        Raises:
            InvalidInput: the query is no JMESPath expression.
        """
        if query is not None:
            _check_query(query)
        default = "table" if sys.stdout.isatty() else "json"
        return cls(format=format or default, chosen=format is not None, query=query)

    def as_json(self) -> "Output":
        """The same in JSON, coloured on a terminal."""
        return replace(self, format="jsonc" if self.format == "table" else "json")

    def emit(self, data: Any, *, table: Any = None) -> None:
        """Print a result made of dicts, lists and scalars.

        Args:
            data: What scripts read; a query applies to it.
            table: What a table shows instead when nothing is queried: a list of flat dicts is a
                grid, one dict a sheet of key and value, text is itself.
        """
        if self.query is not None:
            data = _search(self.query, data)
            table = table_of(data) if not isinstance(data, Mapping) else None
        text = self._text(data, data if table is None else table)
        if text and sys.stdout.isatty() and self.format != "jsonc":
            text = printable(text)  # jsonc has escaped everything but its own colours
        if text:
            click.echo(text, color=True)

    def _text(self, data: Any, table: Any) -> str:
        if self.format == "none" or (data is None and self.format in {"table", "tsv"}):
            return ""
        match self.format:
            case "json" | "jsonc":
                text = json.dumps(data, indent=2, ensure_ascii=False)
                return coloured_json(text) if self.format == "jsonc" else text
            case "yaml":
                return _yaml(data)
            case "tsv":
                return "\n".join(map(_tsv_row, data if isinstance(data, list) else [data]))
        if isinstance(table, str):
            return table
        return sheet(table) if isinstance(table, Mapping) else grid(table_of(table))


def _check_query(query: str) -> None:
    import jmespath

    from backends.errors import InvalidInput

    try:
        jmespath.compile(query)
    except jmespath.exceptions.JMESPathError as wrong:
        reason = str(wrong).splitlines()[0]
        raise InvalidInput(
            f"--query is not a JMESPath expression: {reason}",
            fix="For example: --query scoringUri, or --query '[0].id' (https://jmespath.org).",
        ) from wrong


def _search(query: str, data: Any) -> Any:
    import jmespath

    from backends.errors import InvalidInput

    try:
        return jmespath.search(query, data, jmespath.Options(dict_cls=OrderedDict))
    except jmespath.exceptions.JMESPathError as wrong:
        raise InvalidInput(
            f"--query does not fit this result: {wrong}", fix="Look at it first with -o json."
        ) from wrong


def _yaml(data: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(data))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip("\n")


def _tsv_row(row: Any) -> str:
    """One line as Azure CLI's `tsv` writes it: values only, a nested list is its length."""
    if isinstance(row, bool):
        return str(row).lower()
    if isinstance(row, Mapping):
        row = list(row.values())
    if isinstance(row, Sequence) and not isinstance(row, str):
        return "\t".join(map(_tsv_cell, row))
    return _tsv_cell(row)


def _tsv_cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return str(len(value))
    return str(value).replace("\t", " ").replace("\n", " ")
