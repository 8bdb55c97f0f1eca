"""Collected data as CSV rows: eight columns that say where a row is from, then the data's own.

The names of the eight are azureml-monitoring's. `$aml_dc_boundary` is the hour of the row, UTC.
"""

import csv
import io
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Sequence

ORIGIN_COLUMNS = (
    "$aml_dc_correlation_id",
    "$aml_dc_scoring_timestamp",
    "$aml_dc_boundary",
    "$aml_workspace",
    "$aml_service_name",
    "$aml_model_name",
    "$aml_model_version",
    "$aml_request_id",
)


class Origin:
    """Which model of which service the rows of one collector are from."""

    def __init__(self, workspace: str, service: str, model: str, version: str) -> None:
        self.workspace = workspace
        self.service = service
        self.model = model
        self.version = version

    @classmethod
    def of(cls, settings: "Dict[str, Any]", model: str = "", version: str = "") -> "Origin":
        """For a model that a script names; for the service's only one when it names none.

        Args:
            settings: `workspace`, `service`, `revision` and `models` (name and version) as the
                supervisor tells them.
            model: Its name, or nothing.
            version: Its version; without one, the version that is deployed under that name.
        """
        models = settings["models"]
        if not model and len(models) == 1:
            model, version = models[0]
        deployed = dict(map(tuple, models))
        model = model or settings["service"]
        version = version or deployed.get(model, str(settings["revision"]))
        return cls(settings["workspace"], settings["service"], model, version)


def line(values: "Iterable[Any]") -> str:
    """One CSV line (RFC 4180, but with a bare line feed at its end)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(list(values))
    return text.getvalue()


def header(columns: "Sequence[str]") -> str:
    """The first line of a file whose rows have these data columns."""
    return line((*ORIGIN_COLUMNS, *columns))


def rows(
    origin: Origin,
    correlations: "Sequence[str]",
    request_id: str,
    seconds: float,
    values: "Iterable[Sequence[Any]]",
) -> str:
    """CSV lines, one for each of `values`.

    Args:
        origin: Where they are from.
        correlations: One id a row.
        request_id: The request that they belong to.
        seconds: When, since the epoch.
        values: The data's own columns, row by row.
    """
    clock = time.gmtime(seconds)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", clock) + ".{:06d}Z".format(int(seconds % 1 * 1e6))
    hour = time.strftime("%Y-%m-%dT%H:00:00Z", clock)
    start = [stamp, hour, origin.workspace, origin.service, origin.model, origin.version]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for correlation, row in zip(correlations, values):
        writer.writerow([correlation] + start + [request_id] + _plain(row))
    return text.getvalue()


def _plain(row: "Sequence[Any]") -> "List[Any]":
    return [value if isinstance(value, (str, int, float)) else _text(value) for value in row]


def _text(value: "Any") -> str:
    return "" if value is None else str(value)
