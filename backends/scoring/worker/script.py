"""The user's entry script: `init()` once, `run()` per request, in one of three calling modes."""

import importlib
import importlib.util
import inspect
import os
import sys
import time

from . import batching, calling, failure, output, replies
from .failure import ScriptError
from .messages import Answer, BadRequest, Request, Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional

MODULE = "entry_module"
FALLBACK = "main"
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


class EntryScript(Runner):
    """`score.py`, or the module `main` when none is named."""

    def __init__(self, path: "Optional[str]") -> None:
        self._path = path
        self._init: "Optional[Callable[[], object]]" = None
        self._run: "Optional[Callable[..., object]]" = None
        self._batch: "Optional[batching.Batch]" = None
        self._mode = calling.TEXT
        self._wants_headers = False
        self._prepare: "Optional[Callable[[Request], Dict[str, Any]]]" = None

    def load(self) -> None:
        """Import the script and find out how `run()` is called.

        A script whose `driver_module` is another module is a front of that one: `init()` is the
        front's own where it has one, for it may prepare things, `run()` is the other's.

        Raises:
            ScriptError: It lacks `init()` or `run()`, or their signatures cannot be served.
        """
        module = self._import()
        inner = getattr(module, "driver_module", None)
        inner = inner if inspect.ismodule(inner) else module
        self._init = _function(module if hasattr(module, "init") else inner, "init")
        if _required(inspect.signature(self._init)):
            raise ScriptError("init() must be callable without arguments.")
        owner = inner if hasattr(inner, "run") else module
        if hasattr(owner, batching.FUNCTION):
            self._batch = batching.Batch(owner, getattr(owner, "run", None))
            return
        self._run = _function(owner, "run")
        style = calling.analyse(self._run)
        self._mode = style.mode
        self._wants_headers = style.wants_headers or style.mode == calling.RAW
        self._prepare = style.arguments

    def init(self) -> None:
        """Call the script's `init()`."""
        assert self._init is not None
        self._init()

    def describe(self) -> "Dict[str, Any]":
        """How it is called, and its schemas where `run()` declares them."""
        if self._batch is not None:
            headers = self._batch.wants_headers
            return {"mode": calling.TEXT, "headers": headers, "batch": self._batch.size}
        found: "Dict[str, Any]" = {"mode": self._mode, "headers": self._wants_headers}
        found.update(calling.schemas(self._run))
        return found

    def answer(self, request: Request) -> Answer:
        """Decode, call `run()`, encode."""
        if self._batch is not None:
            return self._batch.answers([request])[0]
        assert self._prepare is not None
        assert self._run is not None
        try:
            arguments = self._prepare(request)
        except BadRequest as error:
            return Answer.problem(error.status, error.message)
        started = time.perf_counter()
        try:
            result = self._run(**arguments)
        except BaseException as error:
            elapsed = (time.perf_counter() - started) * 1000
            refusal = replies.raised(error)
            if refusal is not None:
                return refusal
            output.report("ERROR", failure.describe(error))
            return Answer.problem(500, RUN_FAILED, elapsed)
        elapsed = (time.perf_counter() - started) * 1000
        return replies.encode(result, elapsed)

    def answer_batch(self, requests: "List[Request]") -> "List[Answer]":
        """Answer them in one call of `run_batch()`."""
        assert self._batch is not None
        return self._batch.answers(requests)

    def _import(self) -> "ModuleType":
        if self._path is None:
            return importlib.import_module(FALLBACK)
        path = os.path.abspath(self._path)
        if not os.path.isfile(path):
            raise ScriptError("The entry script {} does not exist.".format(self._path))
        spec = importlib.util.spec_from_file_location(MODULE, path)
        if spec is None or spec.loader is None:
            raise ScriptError("The entry script {} is not a Python file.".format(self._path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[MODULE] = module
        spec.loader.exec_module(module)
        return module


def _function(module: "ModuleType", name: str) -> "Callable[..., object]":
    function = getattr(module, name, None)
    if not callable(function):
        raise ScriptError("The entry script does not define {}().".format(name))
    return function  # type: ignore[no-any-return]  # callable() narrows to a function of Any


def _required(signature: "inspect.Signature") -> bool:
    return any(
        parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in signature.parameters.values()
    )
