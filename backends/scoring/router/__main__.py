"""`pilothouse-router`: the router of one service, and what is said to it from within its container.

    pilothouse-router [--folder DIR] serve [HOST:PORT]     by default 0.0.0.0:5001
    pilothouse-router [--folder DIR] '{"op": …}'           one request of its control socket

DIR, by default `/var/pilothouse/run`, holds what it keeps and its socket.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = "/var/pilothouse/run"
PORT = 5001


def main() -> None:
    """Do what the command line says; ends the process with its exit code."""
    arguments = sys.argv[1:]
    folder = FOLDER
    if len(arguments) >= 2 and arguments[0] == "--folder":
        folder, arguments = arguments[1], arguments[2:]
    try:
        sys.exit(_run(Path(folder), arguments))
    except (OSError, ValueError) as error:
        sys.exit(f"pilothouse-router: {error}")


def _run(folder: Path, arguments: Sequence[str]) -> int:
    match arguments:
        case ["serve", *place] if len(place) <= 1:
            from .serving import run

            host, _, port = (place[0] if place else f"0.0.0.0:{PORT}").rpartition(":")
            run(folder, host.strip("[]"), int(port))
            return 0
        case [request] if request.startswith("{"):
            from .control import ask

            answer = ask(folder, request)
            sys.stdout.write(answer)
            return 0 if json.loads(answer).get("ok") else 1
    sys.stderr.write(f"{__doc__}\n")
    return 2


if __name__ == "__main__":
    main()
