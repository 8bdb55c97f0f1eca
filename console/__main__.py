"""`pilothouse` and `python -m console`: the app without words, a command with them."""

import sys


def main() -> None:
    """Run what the command line asks for and end the process with its exit code."""
    from console.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
