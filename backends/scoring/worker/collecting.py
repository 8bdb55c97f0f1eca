"""What a script hands over for data collection, on its way to the supervisor, which stores it."""

import time
import uuid

from . import collected, wire
from .carrying import request_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

LARGEST = 8 * 1024 * 1024
"""Bytes of one hand-over; a larger one is only counted as lost."""
CORRELATION = "$aml_dc_correlation_id"
TIMESTAMP = "$aml_dc_scoring_timestamp"


class Sink:
    """Where collectors of this process send their rows."""

    settings: "Optional[Dict[str, Any]]" = None
    """Where rows are from, as the supervisor says it; None while nothing is collected."""
    channel: "Optional[wire.Channel]" = None
    used = False
    """The script made a collector of its own."""


def install(channel: "wire.Channel", settings: "Optional[Dict[str, Any]]") -> None:
    """Collect from now on, if the launch asks for it."""
    Sink.channel = channel
    Sink.settings = settings


class Table:
    """Data of any of the shapes that scripts collect, as columns and rows."""

    def __init__(self, data: "Any", names: "Optional[Sequence[str]]") -> None:
        if hasattr(data, "toPandas"):
            data = data.toPandas()
        self.correlations: "List[str]" = []
        columns: "Optional[List[str]]" = None
        if hasattr(data, "columns") and hasattr(data, "values"):
            columns, values = [str(name) for name in data.columns], data.values.tolist()
        elif hasattr(data, "tolist"):
            values = data.tolist()
        else:
            values = data
        self.rows = _rows(values, len(names) if names else 0)
        if self.rows and isinstance(self.rows[0], dict):
            columns = [str(name) for name in self.rows[0]]
            self.rows = [[row.get(name) for name in columns] for row in self.rows]
        width = max([len(row) for row in self.rows] or [0])
        self.columns = columns or _names(names, width)
        self._take_correlations(data)

    def _take_correlations(self, data: "Any") -> None:
        if CORRELATION in self.columns:
            place = self.columns.index(CORRELATION)
            self.correlations = [str(row[place]) for row in self.rows]
            kept = [
                i for i, name in enumerate(self.columns) if name not in (CORRELATION, TIMESTAMP)
            ]
            self.columns = [self.columns[i] for i in kept]
            self.rows = [[row[i] for i in kept] for row in self.rows]
        elif isinstance(data, Correlated):
            self.correlations = data.correlations


class Correlated(list):  # type: ignore[type-arg]  # 3.6 cannot subscript it
    """Rows that carry the ids of the rows that they were computed from."""

    def __init__(self, rows: "Sequence[Any]", correlations: "List[str]") -> None:
        super().__init__(rows)
        self.correlations = correlations


def send(
    origin: "collected.Origin", designation: str, table: Table, user_id: "Optional[str]"
) -> "Dict[str, Any]":
    """Hand rows over; returns their correlation ids and time by column name."""
    now = time.time()
    owner = request_id()
    ids = table.correlations
    if len(ids) != len(table.rows):
        base = str(user_id or owner or uuid.uuid4())
        many = len(table.rows) > 1
        ids = ["{}_{}".format(base, i) if many else base for i in range(len(table.rows))]
    body = collected.rows(origin, ids, owner, now, table.rows).encode("utf-8", "replace")
    if len(body) > LARGEST:
        body = b""
    head = collected.header(table.columns)
    meta = [origin.model, origin.version, designation, head, len(table.rows)]
    assert Sink.channel is not None
    Sink.channel.send(wire.COLLECT, meta, body)
    return {CORRELATION: ids, TIMESTAMP: [now] * len(ids)}


def lose(origin: "collected.Origin", designation: str) -> None:
    """Count a hand-over that could not be read."""
    assert Sink.channel is not None
    Sink.channel.send(wire.COLLECT, [origin.model, origin.version, designation, "", 1])


def _rows(values: "Any", names: int) -> "List[Any]":
    """A list of rows; a flat list is one column, or one row where it has as many names."""
    if isinstance(values, dict):
        return [values]
    if not isinstance(values, (list, tuple)):
        return [[values]]
    if any(isinstance(value, (list, tuple, dict)) for value in values):
        return [v if isinstance(v, (list, tuple, dict)) else [v] for v in values]
    if names > 1 and names == len(values):
        return [list(values)]
    return [[value] for value in values]


def _names(names: "Optional[Sequence[str]]", width: int) -> "List[str]":
    given = [str(name) for name in names or ()][:width]
    return given + [str(i) for i in range(len(given), width)]
