"""Which file of a model directory a handler loads."""

import os

from ..failure import ScriptError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Tuple


def find_file(folder: str, suffixes: "Tuple[str, ...]") -> str:
    """The one file with one of the suffixes, or else the only file at all.

    Raises:
        ScriptError: There is none, or more than one.
    """
    every = [
        os.path.join(root, name) for root, _, names in os.walk(folder) for name in sorted(names)
    ]
    fitting = [path for path in every if path.lower().endswith(suffixes)] or every
    if len(fitting) != 1:
        raise ScriptError(
            "{} should hold one model file ({}), but holds {}.".format(
                folder, ", ".join(suffixes), _list(fitting)
            )
        )
    return fitting[0]


def _list(paths: "List[str]") -> str:
    return ", ".join(paths[:10]) or "none"
