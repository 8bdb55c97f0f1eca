"""Micro-batching for a script that declares it: what waits when the worker gets free, in one call.

A script declares it by a function `run_batch`, in place of `run` or beside it:

    BATCH_SIZE = 32  # requests in one call at most; 32 where the script does not say

    def run_batch(items):
        rows = [json.loads(item) for item in items]
        return model.predict(rows).tolist()

`items` is a list of what `run(data)` would get: the text of each request's body. What comes back
is a list of as many results in the same order, each of them whatever `run` may return. A result
that is an exception is that request's error. With a second parameter named `request_headers` it
gets the requests' headers, a list of mappings.

Nothing is waited for: a request that finds the worker free runs alone at once, and whatever has
queued up meanwhile is the next batch. When `run_batch` raises, its batch is run again in halves
until the request that makes it fail is alone: the others get their results, at the price of being
run more than once. All requests of a batch share one time limit, and end together when the worker
dies.

`@input_schema` and `@rawhttp` take one request apart: they are refused beside `run_batch`. What the
function prints carries the ids of all requests of the call, joined by commas.
"""

import time

from . import calling, carrying, failure, output, replies
from .failure import ScriptError
from .messages import Answer, BadRequest, Request, header_mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, List, Sequence, Union

    Items = List[Any]

FUNCTION = "run_batch"
SIZE = "BATCH_SIZE"
USUAL_SIZE = 32
LARGEST_SIZE = 1024
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


class Batch:
    """The script's `run_batch`.

    Raises:
        ScriptError: It, or its size, cannot be served.
    """

    def __init__(self, module: "ModuleType", run: "Union[Callable[..., object], None]") -> None:
        self._call: "Callable[..., Any]" = getattr(module, FUNCTION)
        self.size = getattr(module, SIZE, USUAL_SIZE)
        if type(self.size) is not int or not 1 <= self.size <= LARGEST_SIZE:
            raise ScriptError(
                "{} must be a whole number from 1 to {}, not {!r}.".format(
                    SIZE, LARGEST_SIZE, self.size
                )
            )
        for function in (self._call, run):
            if function is not None and calling.decorated(function):
                raise ScriptError(
                    "run_batch() gets the bodies' text: @input_schema and @rawhttp cannot be "
                    "combined with it. Remove run_batch(), or the decorator."
                )
        names = calling.parameter_names(self._call)
        self.wants_headers = calling.HEADERS_PARAMETER in names
        if len(names) - self.wants_headers != 1:
            raise ScriptError("run_batch() must take one argument: the list of bodies.")

    def answers(self, requests: "Sequence[Request]") -> "List[Answer]":
        """One answer a request, in their order."""
        found: "List[Any]" = [None] * len(requests)
        good = []
        for place, request in enumerate(requests):
            try:
                good.append((place, request, calling.text(request)))
            except BadRequest as error:
                found[place] = Answer.problem(error.status, error.message)
        started = time.perf_counter()
        results = self._results(good) if good else []
        elapsed = (time.perf_counter() - started) * 1000
        for (place, request, _), result in zip(good, results):
            carrying.Current.request_id = request.id
            found[place] = _answer(result, elapsed)
        carrying.Current.request_id = ""
        return found

    def _results(self, items: "Items") -> "Items":
        """A result or an exception each; a batch that raises is run again in halves."""
        carrying.Current.request_id = ",".join([request.id for _, request, _ in items])
        arguments: "List[Any]" = [[text for _, _, text in items]]
        named = {}
        if self.wants_headers:
            named[calling.HEADERS_PARAMETER] = [header_mapping(item[1]) for item in items]
        try:
            return _listed(self._call(*arguments, **named), len(items))
        except _WrongLength as error:
            return [error] * len(items)
        except BaseException as error:
            if len(items) == 1:
                return [error]
        finally:
            output.end_lines()
        half = len(items) // 2  # out of the handler: no error is the context of another's
        return self._results(items[:half]) + self._results(items[half:])


class _WrongLength(ScriptError):
    """The results cannot be told apart by request."""


def _listed(results: "Any", count: int) -> "Items":
    if hasattr(results, "tolist"):
        results = results.tolist()
    if not isinstance(results, (list, tuple)):
        raise _WrongLength(
            "run_batch() must return a list of results, not {}.".format(type(results).__name__)
        )
    if len(results) != count:
        raise _WrongLength(
            "run_batch() returned {} results for {} requests.".format(len(results), count)
        )
    return list(results)


def _answer(result: "Any", elapsed: float) -> Answer:
    if not isinstance(result, BaseException):
        return replies.encode(result, elapsed)
    refusal = replies.raised(result)
    if refusal is not None:
        return refusal
    output.report("ERROR", failure.describe(result))
    return Answer.problem(500, RUN_FAILED, elapsed)
