"""Collects every problem of one file."""

from pathlib import Path
from typing import TypedDict, Unpack

from backends.configs.field import shorten
from backends.configs.records import Config, Parsed, Problem, Severity
from backends.errors import InvalidInput


class Where(TypedDict, total=False):
    """Where a problem is and what it is about; as in `Problem`."""

    line: int | None
    key: str
    found: str
    allowed: str
    file: str


class Report:
    """The problems of one file, in the order found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """An error was reported; warnings do not count."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def add(self, severity: Severity, message: str, **where: Unpack[Where]) -> None:
        """Report one problem; `file` only where it is another than the report's own."""
        self.problems.append(
            Problem(
                severity=severity,
                file=where.get("file") or self.file,
                line=where.get("line"),
                key=shorten(where.get("key", ""), 120),
                found=shorten(where.get("found", "")),
                allowed=where.get("allowed", ""),
                message=message,
            )
        )

    def error(self, message: str, **where: Unpack[Where]) -> None:
        """Report what forbids the file's use; the rest as in `add`."""
        self.add(Severity.ERROR, message, **where)

    def warning(self, message: str, **where: Unpack[Where]) -> None:
        """Report what is ignored or doubtful; the rest as in `add`."""
        self.add(Severity.WARNING, message, **where)

    def parsed(self, config: Config | None, path: Path | None = None) -> Parsed[Config]:
        """Pair the config with the problems by line; an error leaves no config."""
        last = float("inf")
        ordered = sorted(self.problems, key=lambda p: last if p.line is None else p.line)
        return Parsed(config=None if self.failed else config, problems=tuple(ordered), path=path)


def usable(parsed: Parsed[Config]) -> Config:
    """Return the config that was parsed.

    Raises:
        InvalidInput: It has errors; all of them, a line each, are in `detail`.
    """
    if parsed.config is not None:
        return parsed.config
    first, *others = parsed.errors
    more = f" ({len(others)} more)" if others else ""
    raise InvalidInput(
        f"{first}{more}",
        fix=f"Allowed: {first.allowed}." if first.allowed else "Correct the file.",
        detail="\n".join(map(str, parsed.problems)),
    )


def dotted(*parts: str) -> str:
    """Join the parts of a key's path, empty ones left out."""
    return ".".join(part for part in parts if part)
