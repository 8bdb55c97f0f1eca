"""The steps and how each stands: a column beside the form, or one line above it."""

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from console.app.widgets.tones import TONES
from console.app.wizard.standing import Standing
from console.app.wizard.steps import Step
from console.present import plain


class Rail(Widget):
    """Shows the steps; a click goes to one."""

    DEFAULT_CSS = """
    Rail {
        height: 1;
        width: 1fr;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        link-color: $foreground;
        link-style: none;
        link-style-hover: bold;
        link-color-hover: $accent;
        link-background-hover: $background;
    }
    """

    standings: reactive[tuple[Standing, ...]] = reactive(())
    current: reactive[Step] = reactive(Step.MODEL)

    @dataclass
    class Chosen(Message):
        """A step was clicked."""

        step: Step

    def action_choose(self, step: str) -> None:
        """Ask for a step."""
        self.post_message(self.Chosen(Step(step)))

    def render(self) -> Content:
        """A column of steps with their summaries where there is room, else a line of marks."""
        if self.size.height > len(Step):
            return Content("\n").join(self._entry(each) for each in self.standings)
        return Content("  ").join(self._head(each) for each in self.standings)

    def _entry(self, standing: Standing) -> Content:
        room = max(self.size.width - 3, 8)
        summary = Content.styled(plain(standing.summary.text), TONES[standing.summary.tone])
        under = Content("   ") + summary.truncate(room, ellipsis=True)
        return Content("\n").join((self._head(standing), under, Content()))

    def _head(self, standing: Standing) -> Content:
        here = standing.step is self.current
        mark = Content.styled(standing.mark.text, TONES[standing.mark.tone])
        label = Content.styled(standing.step.label, "bold $accent underline" if here else "")
        column = self.size.height > 1
        pointer = Content.styled("▌" if here and column else " " if column else "", "$accent")
        link = Style.from_meta({"@click": f"choose('{standing.step}')"})
        return Content.assemble(pointer, mark, " ", label.stylize(link))
