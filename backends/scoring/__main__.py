"""`python -m backends.scoring --launch FILE`, or by hand with azmlinfsrv's flags."""

import os
import sys
from pathlib import Path

UNUSABLE = 3
"""Exit code for settings that cannot be used; azureml-inference-server-http's."""


def main() -> None:
    """Run the supervisor; ends the process with its exit code."""
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--launch":
        from .supervisor.launching import load

        path = Path(arguments[1]).absolute()
        folder = path.parent
        try:
            launch, notes = load(path)
        except (OSError, ValueError, TypeError) as error:
            sys.exit(f"pilothouse-serve: {path} cannot be run: {error}")
    else:
        from .supervisor.byhand import SettingsError, parse

        folder = Path.cwd()
        try:
            launch, notes = parse(arguments, os.environ)
        except SettingsError as error:
            print(f"pilothouse-serve: {error}", file=sys.stderr)  # noqa: T201 - the program's own message
            sys.exit(UNUSABLE)
    from .supervisor.server import run

    sys.exit(run(launch, folder, notes))


if __name__ == "__main__":
    main()
