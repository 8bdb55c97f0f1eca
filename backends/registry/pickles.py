"""What a pickle-based file would import when it is loaded, read without loading it."""

from pathlib import Path


def scan(name: str, path: Path) -> tuple[str, ...]:
    """The globals that loading the file `name`, stored at `path`, would import."""
    return ()
