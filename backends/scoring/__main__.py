"""`python -m backends.scoring --launch FILE`, or by hand with azmlinfsrv's flags."""

import os
import sys
from pathlib import Path

from .launch import Launch

UNUSABLE = 3
"""Exit code for settings that cannot be used; azureml-inference-server-http's."""


def main() -> None:
    """Run the supervisor; ends the process with its exit code."""
    arguments = sys.argv[1:]
    notes: list[str] = []
    if len(arguments) == 2 and arguments[0] == "--launch":
        path = Path(arguments[1]).absolute()
        try:
            launch = Launch.load(path)
        except (OSError, ValueError, TypeError) as error:
            sys.exit(f"pilothouse-serve: {path} cannot be run: {error}")
        folder = path.parent
        if launch.variables.get("AML_APP_INSIGHTS_ENABLED", "").lower() == "true":
            from .supervisor.byhand import NOTHING_SENT

            notes = [NOTHING_SENT]
    else:
        from .supervisor.byhand import SettingsError, parse

        folder = Path.cwd()
        try:
            launch, notes = parse(arguments, os.environ)
        except SettingsError as error:
            print(f"pilothouse-serve: {error}", file=sys.stderr)  # noqa: T201 - the program's own message
            sys.exit(UNUSABLE)
    from .supervisor.compatible import applied
    from .supervisor.server import run

    sys.exit(run(applied(launch), folder, notes))


if __name__ == "__main__":
    main()
