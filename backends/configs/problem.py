"""What is wrong in a config file. Light: the field table, and so `--help`, imports it."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    WARNING = "warning"


class Problem(Struct, frozen=True, kw_only=True):
    """One thing wrong in a file; all problems of a file are reported at once."""

    severity: Severity
    file: str
    line: int | None
    """Counts from 1; None when the value came from a flag or a form."""
    key: str
    """Dotted path, as in `containerResourceRequirements.cpu`; empty for the whole file."""
    found: str
    allowed: str
    message: str
    """A whole sentence."""

    def __str__(self) -> str:
        """`file:line: error: key: message`; the key only where the message lacks it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = "" if self.key in self.message else f"{self.key}: "
        return f"{where}: {self.severity}: {key}{self.message}"
