"""Handlers for models that come without an entry script, one module each."""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    from ..messages import Runner

KINDS = ("onnx", "sklearn", "tensorflow")


def runner(kind: str, config: "Dict[str, Any]") -> "Runner":
    """The handler of a kind.

    Raises:
        ScriptError: There is no such handler.
    """
    from ..failure import ScriptError

    if kind not in KINDS:
        raise ScriptError("There is no builtin handler {!r}; known: {}.".format(kind, KINDS))
    module = importlib.import_module("{}.{}".format(__name__, kind))
    handler: "Callable[[Dict[str, Any]], Runner]" = module.Handler
    return handler(config)
