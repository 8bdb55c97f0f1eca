"""Collects every problem of one file."""

from pathlib import Path

from backends.configs.field import shorten
from backends.configs.records import Config, Parsed, Problem, Severity


class Report:
    """The problems of one file, in the order found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """An error was reported; warnings do not count."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def add(
        self,
        severity: Severity,
        message: str,
        *,
        line: int | None = None,
        key: str = "",
        found: str = "",
        allowed: str = "",
        file: str = "",
    ) -> None:
        """Report one problem; `file` only where it is another than the report's own."""
        self.problems.append(
            Problem(
                severity=severity,
                file=file or self.file,
                line=line,
                key=shorten(key, 120),
                found=shorten(found),
                allowed=allowed,
                message=message,
            )
        )

    def error(self, message: str, **where: str | int | None) -> None:
        """Report what forbids the file's use; the rest as in `add`."""
        self.add(Severity.ERROR, message, **where)  # type: ignore[arg-type]  # passed through as is

    def warning(self, message: str, **where: str | int | None) -> None:
        """Report what is ignored or doubtful; the rest as in `add`."""
        self.add(Severity.WARNING, message, **where)  # type: ignore[arg-type]  # passed through as is

    def parsed(self, config: Config | None, path: Path | None = None) -> Parsed[Config]:
        """Pair the config with the problems by line; an error leaves no config."""
        last = float("inf")
        ordered = sorted(self.problems, key=lambda p: last if p.line is None else p.line)
        return Parsed(config=None if self.failed else config, problems=tuple(ordered), path=path)
