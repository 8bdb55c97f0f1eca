"""Runs a build step's command with the variables that a build is passed."""

import json
import os
import sys
from pathlib import Path


def variables(folder: Path) -> dict[str, str]:
    """What this step sees: the image's own variables, then what is passed."""
    passed: dict[str, str] = json.loads((folder / "variables.json").read_text())
    return {**os.environ, **passed}


def main() -> None:
    """Become the command: `NAME=VALUE… -- COMMAND…`."""
    split = sys.argv.index("--")
    given = dict(word.split("=", 1) for word in sys.argv[1:split])
    command = sys.argv[split + 1 :]
    environ = {**variables(Path(__file__).parent.parent), **given}
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - a step is a command
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
