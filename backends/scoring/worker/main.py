"""One worker: load what the supervisor names, say so, then answer one request after the other."""

import faulthandler
import gc
import os
import socket
import sys

from . import (
    carrying,
    failure,
    orphan,
    output,
    sessions,
    settings,
    shims,
    surroundings,
    victim,
    wire,
)
from .messages import Answer, Request
from .open_inference import answering, metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from .messages import Runner

FAILED_EXIT = 3
"""Exit code of a start that failed."""
CRASHED_EXIT = 70
"""Exit code of a worker whose script broke what we stand on; EX_SOFTWARE of sysexits.h."""


def main(descriptor: int, parent: int) -> None:
    """Serve until the supervisor says stop or goes away."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor)
    orphan.end_with(parent, connection)
    channel = wire.Channel(connection)
    frame = channel.receive()
    if frame is None:
        return
    config = frame[1]
    if config["collect"] is not None:
        from . import collecting

        collecting.install(channel, config["collect"])
    victim.volunteer()
    faulthandler.enable(2)
    carrying.into_threads()
    output.install(os.environ.get("AZUREML_LOG_LEVEL", "INFO").upper())
    runner = _start(channel, config)
    if hasattr(gc, "freeze"):
        gc.freeze()
    try:
        _serve(channel, runner)
    except BaseException as error:
        _crash(error)


def _crash(error: BaseException) -> None:
    """End now: threads of the script would keep a worker that answers no more."""
    try:
        output.report("ERROR", failure.describe(error))
    finally:
        os._exit(CRASHED_EXIT)


def _start(channel: wire.Channel, config: "Dict[str, Any]") -> "Runner":
    """Import and initialise; a failure is reported and ends the process."""
    stage = "import"
    try:
        channel.send(wire.PHASE, "importing")
        runner = _runner(config)  # our imports come before the user's folders are looked into
        _prepare_paths(config)
        sessions.share(config["threads"])
        settings.configure_logging(config["app_root"], config["entry_script"])
        settings.wait_for_debugger()
        runner.load()
        stage = "init"
        channel.send(wire.PHASE, "init")
        runner.init()
        description = runner.describe()
        runner.tensors = description["tensors"] = metadata.of(description)
        description["collects"] = _collects()
        carrying.through_pools()
    except BaseException as error:
        text = failure.describe(error)
        output.end_lines()
        output.report("ERROR", text)
        for line in surroundings.describe(error, stage, config["app_root"], config["model_dir"]):
            output.report("ERROR", line)
        memory = isinstance(error, MemoryError)
        report = {
            "stage": stage,
            "reason": failure.summary(error),
            "traceback": text,
            "out_of_memory": memory,
        }
        channel.send(wire.FAILED, report)
        os._exit(FAILED_EXIT)
    output.end_lines()
    channel.send(wire.READY, description)
    return runner


def _collects() -> bool:
    """The script made a collector of its own; the supervisor need not collect for it."""
    module = sys.modules.get(__package__ + ".collecting")
    return bool(module and module.Sink.used)


def _prepare_paths(config: "Dict[str, Any]") -> None:
    """App root first, the source folder and the script's own last: what is installed wins there."""
    root = config["app_root"]
    os.chdir(root)
    sys.path.insert(0, root)
    folders = [config["source_directory"]]
    if config["entry_script"]:
        folders.append(os.path.dirname(config["entry_script"]))
    for folder in folders:
        path = os.path.normpath(os.path.join(root, folder)) if folder else ""
        if path and path not in sys.path:
            sys.path.append(path)
    shims.install()


def _runner(config: "Dict[str, Any]") -> "Runner":
    if config["builtin"]:
        from . import builtin

        return builtin.runner(config["builtin"], config)
    from .script import EntryScript

    return EntryScript(config["entry_script"])


def _serve(channel: wire.Channel, runner: "Runner") -> None:
    while True:
        frame = channel.receive()
        if frame is None or frame[0] == wire.STOP:
            return
        if frame[0] == wire.BATCH:
            _serve_batch(channel, runner, frame[1])
            continue
        request = Request(frame[1], frame[2])
        carrying.Current.request_id = request.id
        answer = _answer(runner, request)
        if output.prints._partial or output.errors._partial:
            output.end_lines()
        carrying.Current.request_id = ""
        _send(channel, answer)


def _serve_batch(channel: wire.Channel, runner: "Runner", count: int) -> None:
    """Answer so many requests; those of the open protocol and a lone one go their own ways."""
    frames = [channel.receive() for _ in range(count)]
    requests = [Request(frame[1], frame[2]) for frame in frames if frame is not None]
    together = [request for request in requests if not request.target.startswith("/v2/")]
    try:
        answers = dict(zip(map(id, together), runner.answer_batch(together)))
    except BaseException as error:
        output.report("ERROR", failure.describe(error))
        answers = {id(request): Answer.problem(500, INTERNAL) for request in together}
    for request in requests:
        _send(channel, answers.get(id(request)) or _answer(runner, request))


def _answer(runner: "Runner", request: Request) -> Answer:
    if request.trace is not None:
        os.environ.update(request.trace)
    try:
        if request.target.startswith("/v2/"):
            return answering.answer(runner, request)
        return runner.answer(request)
    except BaseException as error:
        output.report("ERROR", failure.describe(error))
        return Answer.problem(500, INTERNAL)
    finally:
        if request.trace is not None:
            os.environ.pop("TRACEPARENT", None)
            os.environ.pop("TRACESTATE", None)


INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


def _send(channel: wire.Channel, answer: Answer) -> None:
    """Send an answer whole, or piece by piece when its body is an iterator."""
    more = answer.parts is not None
    channel.write(
        wire.answer_head(answer.status, answer.run_ms, answer.headers, more, len(answer.body)),
        answer.body,
    )
    if answer.parts is None:
        return
    try:
        for part in answer.parts:
            channel.send(wire.PART, [True], part)
    except BaseException as error:
        output.report("ERROR", failure.describe(error))
        channel.send(wire.PART, [None])
        return
    channel.send(wire.PART, [False])
