"""Opens the wizard in a real app, and waits for what it should come to."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Input, Static

from backends.services.records import DeployRequest
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.widgets.field import FieldRow
from console.app.wizard.fields import Fields
from console.app.wizard.form import Form
from console.app.wizard.preview import PreviewPane
from console.app.wizard.review import Review
from console.app.wizard.screen import WizardScreen
from console.app.wizard.steps import Step
from console.settings import Settings

DEADLINE = 20.0
"""Seconds that anything awaited may take; reached only when it never happens."""
NOW = 1_780_000_000.0


@dataclass(slots=True)
class Driver:
    """The wizard on the screen, and the keys to it."""

    app: PilothouseApp
    pilot: Pilot[None]
    wizard: WizardScreen

    @property
    def form(self) -> Form:
        """What the wizard holds."""
        assert self.wizard.form is not None
        return self.wizard.form

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for a state."""
        async with asyncio.timeout(DEADLINE):
            while not reached():
                await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        """Press keys and let what they set off come to rest."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def go(self, step: Step) -> None:
        """Page to a step."""
        while self.wizard.step is not step:
            order = list(Step)
            forward = order.index(step) > order.index(self.wizard.step)
            near = order[order.index(self.wizard.step) + (1 if forward else -1)]
            await self.press("pagedown" if forward else "pageup")
            await self._at(near)
        if step is not Step.REVIEW:
            names = tuple(field.name for field in self.form.fields(step))
            await self.until(lambda: self.wizard.query_one(Fields).names() == names)

    async def _at(self, step: Step) -> None:
        await self.until(lambda: self.wizard.step is step)

    async def type(self, field: str, text: str) -> None:
        """Put the cursor into a field, clear it and type."""
        await self.focus(field)
        await self.press("end", "ctrl+u", *text)

    async def focus(self, field: str) -> None:
        """Put the cursor into a field."""
        self.row(field).take_focus()
        await self.until(lambda: self.row(field).has_focus_within)

    def row(self, field: str) -> FieldRow:
        """The row of a field."""
        return next(row for row in self.wizard.query(FieldRow) if row.field.name == field)

    def fields(self) -> tuple[str, ...]:
        """Names of the fields that are shown."""
        return self.wizard.query_one(Fields).names()

    def suggestion(self) -> str:
        """How the input with the cursor offers to go on."""
        focused = self.app.focused
        return focused._suggestion if isinstance(focused, Input) else ""

    def review(self) -> str:
        """The text of Review."""
        return str(self.wizard.query_one(Review).query_one(Static).content)

    def file(self) -> str:
        """The text of the file pane."""
        return str(self.wizard.query_one(PreviewPane).query_one(Static).content)


async def opens(pilot: Pilot[None], model: str = "", *, draft: str = "") -> Driver:
    """Open the wizard on a model; `draft` is the key that answers the question about one."""
    app = pilot.app
    assert isinstance(app, PilothouseApp)
    request = DeployRequest(models=(model,) if model else ())
    wizard = WizardScreen(app.context, request)
    await app.push_screen(wizard)
    driver = Driver(app, pilot, wizard)
    if draft:
        await driver.until(lambda: app.screen is not wizard)
        await driver.press(draft)
    await driver.until(lambda: wizard.form is not None and bool(wizard.query(FieldRow)))
    await driver.until(lambda: {"models", "target"} <= wizard.looked.keys())
    await driver.until(lambda: "asking" not in wizard.looked["target"])
    await pilot.pause()
    return driver


@asynccontextmanager
async def opened(
    workspace: Workspace,
    model: str = "",
    *,
    size: tuple[int, int] = (100, 32),
    read_only: bool = False,
    draft: str = "",
) -> AsyncGenerator[Driver]:
    """An app with the wizard open; in the end it must have had no fault."""
    settings = Settings(theme="dark", read_only=read_only)
    app = PilothouseApp(workspace, settings=settings, clock=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        yield await opens(pilot, model, draft=draft)
        await pilot.pause()
        assert app.faults == []
