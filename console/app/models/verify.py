"""The dialog that re-hashes stored files and says which are damaged."""

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from backends.errors import Refused
from backends.registry.records import VerifyReport
from console import present
from console.app.models import equivalent
from console.app.shell.context import Context
from console.app.shell.dialog import Dialog
from console.app.widgets.progress import Progress
from console.app.widgets.tones import styled
from console.present import Cell, Tone

REDRAW_SECONDS = 0.1


class VerifyDialog(Dialog[None]):
    """Runs at once; leaving stops it.

    Args:
        context: The console's.
        reference: `name:version`; empty for everything.
    """

    choices = (("cancel", "Close"),)

    def __init__(self, context: Context, reference: str) -> None:
        super().__init__()
        self.title_text = f"Verify {reference or 'all stored files'}"
        self.equivalent = equivalent.verify(reference)
        self.context = context
        self._reference = reference
        self._read = (0, 0)
        self._stopped = False

    def compose_content(self) -> ComposeResult:
        """Progress, then the finding."""
        yield Progress()
        yield Static("", classes="finding", markup=False)

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#cancel").focus()
        self._run()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._stopped = True

    @work(exclusive=True, group="verify", exit_on_error=False)
    async def _run(self) -> None:
        ticker = self.set_interval(REDRAW_SECONDS, self._draw)
        verify = self.context.workspace.registry.verify
        try:
            report = await self.context.threads.run(verify, self._reference or None, self._advance)
        finally:
            ticker.stop()
        self._draw()
        self.query_one(".finding", Static).update(_finding(report))

    def _advance(self, done: int, total: int) -> None:
        """Called in the reading thread."""
        if self._stopped:
            raise Refused("Stopped: not everything was verified.")
        self._read = (done, total)

    def _draw(self) -> None:
        bar = self.query_one(Progress)
        bar.done, bar.total = self._read


def _finding(report: VerifyReport) -> Content:
    amount = (
        f"{present.count(report.files, 'file')} of {present.count(report.versions, 'version')}, "
        f"{present.size(report.size)}"
    )
    if report.ok:
        return styled(
            (Cell("● ", Tone.GOOD), Cell(f"Every byte is what was registered: {amount}."))
        )
    lines = [styled((Cell("✖ ", Tone.BAD), Cell(f"Damage in {amount}:")))]
    lines += [
        styled((Cell(f"  {each.id}  {each.path}  "), Cell(each.problem, Tone.BAD)))
        for each in report.damaged
    ]
    return Content("\n").join(lines)
