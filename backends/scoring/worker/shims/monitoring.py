"""`azureml.monitoring` for environments without the package: what is collected goes to us."""

from .. import collected, collecting, failure, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Sequence

__all__ = ["ModelDataCollector"]


class ModelDataCollector:
    """Collects rows of a model's inputs or predictions; does nothing unless collection is on.

    Workspace and service are the deployment's own: what a script says of them is ignored.
    """

    def __init__(
        self,
        model_name: str = "",
        designation: str = "general",
        feature_names: "Optional[Sequence[str]]" = None,
        workspace: "Any" = None,
        webservice_name: "Any" = None,
        model_version: "Any" = None,
        collection_name: "Any" = None,
        **options: "Any",
    ) -> None:
        del workspace, webservice_name, collection_name, options
        self.designation = str(designation or "general")
        self.feature_names = None if feature_names is None else [str(n) for n in feature_names]
        self._model = str(model_name or "")
        self._version = str(model_version or "")
        settings = collecting.Sink.settings
        self._origin = (
            collected.Origin.of(settings, self._model, self._version) if settings else None
        )
        collecting.Sink.used = True

    def collect(
        self, data: "Any", user_correlation_id: "Optional[str]" = None, **options: "Any"
    ) -> "Dict[str, Any]":
        """Hand over a list, array or frame; returns what `add_correlations` takes.

        Data of another shape is counted as lost and fails no request.
        """
        del options
        if self._origin is None:
            return {}
        try:
            table = collecting.Table(data, self.feature_names)
            return collecting.send(self._origin, self.designation, table, user_correlation_id)
        except Exception as error:  # whatever the data is, the request goes on
            output.report("WARNING", "data that cannot be collected: " + failure.summary(error))
            collecting.lose(self._origin, self.designation)
            return {}

    def add_correlations(
        self, data: "Any", correlations: "Optional[Dict[str, Any]]" = None
    ) -> "Any":
        """The data with the ids of the rows that it was computed from."""
        ids = (correlations or {}).get(collecting.CORRELATION)
        if not ids:
            return data
        if hasattr(data, "assign") and hasattr(data, "columns"):
            return data.assign(**{collecting.CORRELATION: ids}) if len(data) == len(ids) else data
        rows = collecting.Table(data, self.feature_names).rows
        return collecting.Correlated(rows, ids)
