"""What every screen is given: the workspace, the clock, the threads, and what may be done."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct, field

from backends.errors import Refused
from console.app.runs import Runs
from console.app.shell.threads import Threads
from console.clock import Clock, system_clock
from console.settings import Settings

if TYPE_CHECKING:
    from backends.targets.records import Capabilities
    from backends.workspace import Workspace


@dataclass(slots=True)
class Guard:
    """Whether changes are allowed now."""

    read_only: bool = False

    def check(self, what: str) -> None:
        """Let a change through.

        Args:
            what: The change as a verb and its object: `delete onnx_mnist:4`.

        Raises:
            Refused: the console is read-only.
        """
        if self.read_only:
            raise Refused(f"Read-only: cannot {what}.", fix="Press ! to allow changes.")


class Link(Struct, frozen=True):
    """What the last look at a target found."""

    target: str
    reachable: bool
    latency_ms: float
    at: float
    """Seconds since the epoch."""


@dataclass(slots=True)
class Pulse:
    """How often the workspace was seen to change; a view older than that reloads."""

    beat: int = 0


class Context(Struct, frozen=True, kw_only=True):
    """Handed to each screen by the app."""

    workspace: "Workspace"
    settings: Settings = field(default_factory=Settings)
    clock: Clock = system_clock
    guard: Guard = field(default_factory=Guard)
    pulse: Pulse = field(default_factory=Pulse)
    links: dict[str, Link] = field(default_factory=dict)
    """By target name, as last observed."""
    able: dict[str, "Capabilities"] = field(default_factory=dict)
    """By target name: what each that was opened can do."""
    threads: Threads = field(default_factory=lambda: Threads("console", 4))
    """For blocking calls of the backend: `await context.threads.run(registry.get, "name")`."""
    runs: Runs = field(default_factory=Runs)
    """Deployments under way: `context.runs.start(plan, workspace.services.run(plan))`."""
    started: float = field(default_factory=time.monotonic)
