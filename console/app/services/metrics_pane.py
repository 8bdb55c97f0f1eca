"""Metrics: processor, memory, requests, latency, asked for while they are in view."""

import asyncio
from collections import deque

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from backends.errors import PilothouseError
from backends.targets.records import Replica, Usage
from console.app.services import metrics
from console.app.services.metrics import Reading, Sample
from console.app.services.pane import Pane
from console.app.widgets.tones import styled
from console.present import plain

EVERY_SECONDS = 2.0
PATIENCE = 5.0
KEPT = 240


class MetricsPane(Pane):
    """The last minutes of a service's figures."""

    class Read(Message):
        """One look at the figures."""

        def __init__(self, reading: Reading, problem: str) -> None:
            super().__init__()
            self.reading = reading
            self.problem = problem

    DEFAULT_CSS = """
    MetricsPane Static { padding: 0 1; }
    MetricsPane .problem { color: $warn; }
    """

    def compose(self) -> ComposeResult:
        """The figures; below, what could not be measured."""
        self._readings: deque[Reading] = deque(maxlen=KEPT)
        with VerticalScroll():
            yield Static("asking …", classes="figures")
            yield Static(classes="problem")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._measure()

    def take_focus(self) -> None:
        """To the figures."""
        self.query_one(VerticalScroll).focus()

    def copy_text(self) -> str:
        """The figures as text."""
        return "\n".join("".join(cell.text for cell in line) for line in self._lines())

    @work(exclusive=True, group="metrics", exit_on_error=False)
    async def _measure(self) -> None:
        while True:
            if self.display and self.screen.is_current:
                (usage, why), samples, replicas = await asyncio.gather(
                    self._usage(), self._samples(), self._replicas()
                )
                reading = Reading(
                    at=self.context.clock(), usage=usage, samples=samples, replicas=replicas
                )
                self.post_message(self.Read(reading, why))
            await asyncio.sleep(EVERY_SECONDS)

    def on_metrics_pane_read(self, message: Read) -> None:
        """Draw it."""
        self._readings.append(message.reading)
        lines = self._lines()
        text = Content("\n").join(styled(line) for line in lines)
        self.query_one(".figures", Static).update(text if lines else "Nothing can be measured.")
        self.query_one(".problem", Static).update(Content(plain(message.problem)))

    async def _usage(self) -> tuple[Usage | None, str]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.context.workspace.services.usage(self.name_of_service), ""
        except PilothouseError as error:
            return None, error.what
        except TimeoutError:
            return None, f"The target gave no figures within {PATIENCE:g} s."

    async def _replicas(self) -> tuple[Replica, ...]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.context.workspace.services.replicas(self.name_of_service)
        except (PilothouseError, TimeoutError):
            return ()  # the service's state says why

    async def _samples(self) -> tuple[Sample, ...]:
        from backends.requests.call import send
        from backends.requests.records import Request

        services = self.context.workspace.services
        try:
            async with (
                asyncio.timeout(PATIENCE),
                services.endpoint(self.name_of_service) as endpoint,
            ):
                request = Request(
                    service=self.name_of_service,
                    url=f"{endpoint.url}/metrics",
                    method="GET",
                    body="",
                    headers=endpoint.headers,
                    timeout=PATIENCE,
                )
                answer = await send(request, None)
        except (PilothouseError, TimeoutError):
            return ()  # a service that does not answer has no figures; its state says why
        return metrics.parse(answer.body.decode(errors="replace"))

    def _lines(self) -> list[metrics.Line]:
        if not self._readings:
            return []
        return metrics.lines(tuple(self._readings), self.size.width)
