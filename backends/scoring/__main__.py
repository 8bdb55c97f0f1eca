"""`python -m backends.scoring --launch FILE`, or by hand with azmlinfsrv's flags."""

import sys
from pathlib import Path

from .launch import Launch


def main() -> None:
    """Run the supervisor; ends the process with its exit code."""
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--launch":
        path = Path(arguments[1]).absolute()
        try:
            launch = Launch.load(path)
        except (OSError, ValueError, TypeError) as error:
            sys.exit(f"pilothouse-serve: {path} cannot be run: {error}")
        folder = path.parent
    else:
        from .supervisor.byhand import parse

        launch, folder = parse(arguments), Path.cwd()
    from .supervisor.server import run

    sys.exit(run(launch, folder))


if __name__ == "__main__":
    main()
