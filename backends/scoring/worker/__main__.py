"""Start as `INTERPRETER <this file> FD PARENT_PID`; no module of ours gets a public name."""

import os
import sys

PACKAGE = "_pilothouse_worker"


def enter() -> None:
    """Register this folder as a package under a private name and run it."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == folder:
        del sys.path[0]
    package = type(sys)(PACKAGE)
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    del sys.argv[1:]
    main = __import__(PACKAGE + ".main", fromlist=["main"])
    main.main(descriptor, parent)


if __name__ == "__main__":
    enter()
