"""Service names: Azure ML v1's rule, and a name when none was given."""

import re
from collections.abc import Iterable
from pathlib import Path

from backends.errors import InvalidInput

RULE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
SHORTEST, LONGEST = 3, 32


def check_name(name: str) -> str:
    """The name itself when it follows the rule.

    Raises:
        InvalidInput: it does not; the sentence states the rule.
    """
    if SHORTEST <= len(name) <= LONGEST and RULE.fullmatch(name):
        return name
    raise InvalidInput(
        f"'{name}' cannot name a service: 3 to 32 lower-case letters, digits and dashes,"
        " beginning with a letter and not ending with a dash.",
        fix=f"For example: {derive_name([name])}.",
    )


def derive_name(hints: Iterable[str]) -> str:
    """A valid name from the first usable hint: a model's name, a source directory."""
    for hint in hints:
        word = re.sub(r"[^a-z0-9]+", "-", Path(hint).name.lower()).strip("-")
        word = re.sub(r"^[^a-z]+", "", word)[:LONGEST].rstrip("-")
        if word:
            return word if len(word) >= SHORTEST else f"{word}-service"
    return "service"
