"""What the supervisor says about itself: to the driver, in the state file, on the health pages."""

import json
from dataclasses import asdict, dataclass, field

TRANSITIONING = "Transitioning"
HEALTHY = "Healthy"
UNHEALTHY = "Unhealthy"
FAILED = "Failed"
STOPPED = "Stopped"

IMPORTING = "importing"
INIT = "init"
WARM_UP = "warm-up"
SERVING = "serving"
DRAINING = "draining"
PHASES = (IMPORTING, INIT, WARM_UP, SERVING)
"""In the order in which a worker goes through them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a worker or a revision failed."""

    stage: str = ""
    """import, init, warm-up, run."""
    exit_code: int | None = None
    """A negative one is the signal that ended the worker."""
    out_of_memory: bool = False
    traceback: str = ""
    last_lines: tuple[str, ...] = ()
    model_tree: tuple[str, ...] = ()
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One observation of the service."""

    state: str
    reason: str
    at: float
    serving: int | None
    """The revision that answers, if any."""
    rolling_out: int | None
    """The revision that is being brought up, if any."""
    ready: int
    wanted: int
    phase: str
    boot: str
    pid: int
    url: str
    workers: tuple[int, ...]
    """Process ids."""
    evidence: Evidence = field(default_factory=Evidence)

    def to_json(self) -> str:
        """The object of the control socket and the state file, on one line."""
        return json.dumps(asdict(self))

    def to_public_json(self) -> str:
        """What a health page may show to anyone: no traceback, no log lines."""
        shown = ("state", "reason", "phase", "serving", "rolling_out", "ready", "wanted")
        return json.dumps({name: getattr(self, name) for name in shown})
