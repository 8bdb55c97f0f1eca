"""What lies around a start that failed: where modules were looked for, what the folders hold."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List

LONGEST_TREE = 200
"""Lines; azureml-inference-server-http's."""


def describe(error: BaseException, stage: str, root: str, model_dir: str) -> "List[str]":
    """Lines for the log: for a missing `main` the app root, for a failed `init()` the models."""
    if isinstance(error, ImportError) and error.name == "main":
        return [
            "No entry script is named, and there is no main.py.",
            "Modules are looked for in: {}".format(", ".join(sys.path)),
            "{} holds: {}".format(root, ", ".join(sorted(os.listdir(root))) or "nothing"),
        ]
    if stage == "init" and os.path.isdir(model_dir):
        lines: "List[str]" = []
        for line in _tree(model_dir, 0):
            if len(lines) == LONGEST_TREE:
                lines.append("Only the first {} lines are shown.".format(LONGEST_TREE))
                break
            lines.append(line)
        return ["The model directory {} holds:".format(model_dir)] + lines
    return []


def _tree(folder: str, depth: int) -> "Iterator[str]":
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        yield "    " * depth + (error.strerror or "cannot be read")
        return
    for name in names:
        path = os.path.join(folder, name)
        inside = os.path.isdir(path) and not os.path.islink(path)
        yield "    " * depth + name + ("/" if inside else "")
        if inside:
            for line in _tree(path, depth + 1):
                yield line
