"""Deployments under way: they go on while other views are shown, and any view can look on."""

import asyncio
import logging
from typing import TYPE_CHECKING

from backends.errors import PilothouseError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from backends.services.records import Event, Plan


class Run:
    """One plan being carried out, and everything that it said so far."""

    def __init__(self, plan: "Plan", source: "AsyncGenerator[Event, None]") -> None:
        self.plan = plan
        self.events: list[Event] = []
        self.ended = False
        """Nothing more will be said."""
        self._source = source
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._carry_out())

    async def follow(self) -> "AsyncGenerator[Event, None]":
        """Every event from the first on, the last included."""
        seen = 0
        while True:
            changed = self._changed
            for event in self.events[seen:]:
                seen += 1
                yield event
            if changed is not self._changed:
                continue
            if self.ended:
                return
            await changed.wait()

    async def _carry_out(self) -> None:
        try:
            async for event in self._source:
                self.events.append(event)
                self._wake()
        except PilothouseError as error:
            self._failed(error)
        except Exception as error:  # the border: whoever looks on is told, the log has the rest
            logging.getLogger("pilothouse.console").exception("a deployment broke off")
            what = f"The deployment broke off by a fault of this program: {error!r}."
            self._failed(PilothouseError(what, fix="The console's log has its traceback."))
        finally:
            self.ended = True
            self._wake()
            await self._source.aclose()

    def _failed(self, error: PilothouseError) -> None:
        from backends.services.records import RunFailed, Stage

        self.events.append(RunFailed(stage=Stage.CHECK, error=error, service=None))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Runs:
    """The runs of this console, the last of each service."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def start(self, plan: "Plan", source: "AsyncGenerator[Event, None]") -> Run:
        """Carry a plan out: `runs.start(plan, services.run(plan))`."""
        run = Run(plan, source)
        self._runs[plan.spec.name] = run
        return run

    def of(self, service: str) -> Run | None:
        """The last run of a service, ended or not."""
        return self._runs.get(service)
