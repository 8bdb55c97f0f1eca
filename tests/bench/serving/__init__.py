"""The scoring server beside azureml-inference-server-http: one script, one machine, one sitting.

`python -m tests.bench serving` prints start-up figures and the table; it needs `wrk`. The other
server is installed once from PyPI into a venv of its own below the folder for temporary files; both
servers run the script with that venv's Python.
"""

from collections.abc import Iterator

from tests.bench.figures import Figure

from . import beside, starting


def measure() -> Iterator[Figure | str]:
    """Start to Healthy, then both servers under load."""
    yield from starting.measure()
    yield from beside.measure()
