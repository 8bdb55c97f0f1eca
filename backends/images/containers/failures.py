"""Which line of a failed step's output tells why."""

import re
from collections.abc import Sequence

_TELLING = re.compile(
    r"^\s*(E:|ERROR[: ]|error:|fatal:|FATAL)|\b(not found|No such file|Permission denied|"
    r"Temporary failure|Could not resolve|Connection refused|No space left|SyntaxError|"
    r"\w+Error: )|: error:|cannot (find|open)",
    re.IGNORECASE,
)
_LONGEST = 300


def telling_line(output: Sequence[str]) -> str:
    """The first line that says what went wrong, else the last one that says anything."""
    said = [line.strip() for line in output if line.strip()]
    line = next((line for line in said if _TELLING.search(line)), said[-1] if said else "")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
