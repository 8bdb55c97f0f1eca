"""The state of a service of this machine as its run folder and its process tell it."""

import contextlib
import signal
import time
from itertools import islice

from backends.targets import host
from backends.targets.control import status_from_json
from backends.targets.drivers.process import supervisor
from backends.targets.drivers.process.rundir import RunDir
from backends.targets.logfile import LogReader
from backends.targets.records import Evidence, Observed, ServiceSpec, ServiceState, Status
from backends.targets.streams import parse_line

_LAST_LINES = 20


def observe(place: RunDir, target: str) -> Observed:
    """The service with the state that is known without asking its supervisor.

    A service whose description cannot be read counts as one of `target`.
    """
    spec = place.spec()
    if spec is None:
        spec = ServiceSpec(workspace=place.workspace, name=place.name, revision=0, target=target)
    address = place.address
    return Observed(spec=spec, status=_status(place, spec), url=address.url if address else None)


def _status(place: RunDir, spec: ServiceSpec) -> Status:
    last = _last(place)
    if supervisor.alive(place):
        return last or _starting(place, spec)
    if place.stopped_file.exists():
        return _ended(place, spec, last, ServiceState.STOPPED, "stopped on request", Evidence())
    if last is not None and last.state in {ServiceState.FAILED, ServiceState.STOPPED}:
        return _ended(place, spec, last, last.state, last.reason, last.evidence)
    if place.process is None:
        return _starting(place, spec)
    reason, evidence = _why_gone(place)
    return _ended(place, spec, last, ServiceState.FAILED, reason, evidence)


def _last(place: RunDir) -> Status | None:
    try:
        return status_from_json(place.name, place.state_file.read_bytes())
    except OSError:
        return None


def _starting(place: RunDir, spec: ServiceSpec) -> Status:
    process = place.process
    return Status(
        service=place.name,
        state=ServiceState.TRANSITIONING,
        reason="the scoring server is starting",
        at=process.started if process else time.time(),
        rolling_out=spec.revision,
        wanted=spec.replicas,
        phase="starting",
    )


def _ended(
    place: RunDir,
    spec: ServiceSpec,
    last: Status | None,
    state: ServiceState,
    reason: str,
    evidence: Evidence,
) -> Status:
    return Status(
        service=place.name,
        state=state,
        reason=reason,
        at=_changed(place),
        serving=None,
        rolling_out=None,
        ready=0,
        wanted=last.wanted if last else spec.replicas,
        evidence=evidence,
    )


def _why_gone(place: RunDir) -> tuple[str, Evidence]:
    reason = f"the supervisor of {place.name} is gone"
    process, ended = place.process, place.exit
    code = ended.code if ended and process and ended.pid == process.pid else None
    if process and not process.identity.startswith(host.boot_id()):
        reason += ": this machine was started anew since"
    elif code is not None:
        reason += f": {_in_words(code)}"
    lines = _log_tail(place) or _output_tail(place)
    return reason, Evidence(stage="supervisor", exit_code=code, last_lines=lines)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"it exited with {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


def _log_tail(place: RunDir) -> tuple[str, ...]:
    with LogReader(place.log_file) as reader:
        newest = list(islice(reader.newest_first(), _LAST_LINES))
    return tuple(parse_line(raw, None).text for raw in reversed(newest))


def _output_tail(place: RunDir) -> tuple[str, ...]:
    try:
        text = place.output_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-_LAST_LINES:])


def _changed(place: RunDir) -> float:
    """When the end was noted: as near to it as the folder tells."""
    times: list[float] = []
    for path in (place.stopped_file, place.root / "exit.json", place.state_file):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times, default=time.time())
