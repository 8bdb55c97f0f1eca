"""Tags and properties as they are typed: one `key=value` a line."""

import shlex
from collections.abc import Mapping

from backends.errors import InvalidInput


def parse(text: str) -> dict[str, str]:
    """The labels that `text` holds; blank lines are nothing, a key alone has an empty value.

    Raises:
        InvalidInput: a line has no key, or a key stands twice.
    """
    labels: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        key = key.strip()
        if not line.strip():
            continue
        if not key:
            raise InvalidInput(f"'{line.strip()}' has no name before '='.", fix="Write key=value.")
        if key in labels:
            raise InvalidInput(f"'{key}' is there twice.", fix="Keep one of them.")
        labels[key] = value.strip()
    return labels


def emit(labels: Mapping[str, str]) -> str:
    """The text that `parse` reads."""
    return "\n".join(f"{key}={value}" for key, value in labels.items())


def parse_line(text: str) -> dict[str, str]:
    """The labels of one line, apart by blanks; quotes keep blanks.

    Raises:
        InvalidInput: as `parse`, and for a quote that is not closed.
    """
    try:
        return parse("\n".join(shlex.split(text)))
    except ValueError as error:
        raise InvalidInput("A quote is not closed.", fix="Close it.") from error
