"""`ModelDataCollector` for environments without azureml-monitoring: it collects nothing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ModelDataCollector"]


class ModelDataCollector:
    """Takes what the script hands over and drops it."""

    def __init__(self, *names: "Any", **options: "Any") -> None:
        self.names = names
        self.options = options

    def collect(self, *data: "Any", **options: "Any") -> None:
        """Drop the data."""

    def add_correlations(self, data: "Any", *_: "Any") -> "Any":
        """The data as it is."""
        return data
