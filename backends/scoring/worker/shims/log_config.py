"""Names that a `logging.json` written for azureml-inference-server-http refers to."""

import logging
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AMLLogFormatter", "RootAccessFilter"]

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


class AMLLogFormatter(logging.Formatter):
    """Lines with the time in UTC."""

    def __init__(self, fmt: str = FORMAT, datefmt: "Any" = None, style: "Any" = "%") -> None:
        super().__init__(fmt, datefmt, style)
        self.converter = time.gmtime


class RootAccessFilter(logging.Filter):
    """Lets no line about a health probe through; the supervisor logs none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is wanted."""
        return "GET / HTTP/1.1" not in record.getMessage()
