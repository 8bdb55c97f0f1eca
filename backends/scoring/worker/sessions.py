"""onnxruntime's threads: this worker's share of the cores, where the script left them alone.

It counts the machine's cores and takes no number from the environment; several workers, or one in a
container with a quota, would start far more threads than there are cores to run them.
"""

import functools
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional

MODULE = "onnxruntime"
SPINNING = "session.intra_op.allow_spinning"


def share(threads: int) -> None:
    """From the import of onnxruntime on, sessions without a number of threads get `threads`."""
    if threads < (os.cpu_count() or 1):
        sys.meta_path.insert(0, _Finder(threads))


class _Finder:
    """Finds what the others find, and steps in after the module was executed."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def find_spec(self, name: str, *rest: "Any") -> "Any":
        """The module's spec with a loader of ours around its own."""
        if name != MODULE:
            return None
        sys.meta_path.remove(self)  # once is enough
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = None if find is None else find(name, *rest)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._threads)
                return spec
        return None


class _Loader:
    """Another loader, but for one thing that follows the execution."""

    def __init__(self, real: "Any", threads: int) -> None:
        self._real = real
        self._threads = threads

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._real, name)

    def exec_module(self, module: "ModuleType") -> None:
        """Execute the module, then set its sessions' default."""
        self._real.exec_module(module)
        if hasattr(module, "InferenceSession") and hasattr(module, "SessionOptions"):
            _patch(module, self._threads)


def _patch(module: "Any", threads: int) -> None:
    real = module.InferenceSession.__init__

    @functools.wraps(real)
    def init(
        self: "Any",
        path_or_bytes: "Any",
        sess_options: "Optional[Any]" = None,
        *rest: "Any",
        **options: "Any",
    ) -> None:
        if sess_options is None:
            sess_options = module.SessionOptions()
        if getattr(sess_options, "intra_op_num_threads", None) == 0:
            sess_options.intra_op_num_threads = threads
            _stop_spinning(sess_options)
        real(self, path_or_bytes, sess_options, *rest, **options)

    module.InferenceSession.__init__ = init


def _stop_spinning(options: "Any") -> None:
    """Idle threads sleep, unless the script said otherwise: a spinning one takes a core away."""
    try:
        options.get_session_config_entry(SPINNING)
    except RuntimeError:
        options.add_session_config_entry(SPINNING, "0")
    except AttributeError:
        return  # a version before 1.4 has no such entries
