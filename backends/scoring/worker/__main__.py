"""Start as `INTERPRETER <this folder> FD PARENT_PID`; nothing of ours gets a name that a user's module could have."""

import sys

PACKAGE = "_pilothouse_worker"


def enter() -> None:
    """Register this folder as a package under a private name and run it."""
    folder = sys.path.pop(0)
    if not folder.endswith("worker"):
        folder = __file__.rpartition("/")[0]
    package = type(sys)(PACKAGE)
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    main = __import__(PACKAGE + ".main", fromlist=["main"])
    main.main(int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    enter()
