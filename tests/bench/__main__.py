"""All figures, each beside a reference timed in the same run: `python -m tests.bench [NAME …]`."""

import os
import sys
from importlib import import_module

from tests.bench.figures import show

MODULES = ("startup", "deploying", "registry", "models_view")


def main() -> None:
    """Run the named benchmarks, or all but `serving`, which needs wrk; print a line a figure.

    Compiled modules are kept, as they are after an ordinary installation: the first, uncounted
    round of each benchmark writes them.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in sys.argv[1:] or MODULES:
        for figure in import_module(f"tests.bench.{name}").measure():
            print(figure if isinstance(figure, str) else show(figure), flush=True)


if __name__ == "__main__":
    main()
