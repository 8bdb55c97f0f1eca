"""Names of the parts of a pane on one line; one is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class TabLine(Widget):
    """`Files  Schema  Tags`; its owner binds the keys and calls `step`.

    Args:
        titles: Key and title of each part.
    """

    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    chosen: reactive[int] = reactive(0)
    """Index into the titles."""

    @dataclass
    class Chosen(Message):
        """Another part was chosen."""

        line: "TabLine"
        key: str

        @property
        def control(self) -> "TabLine":
            """The line, for `@on` selectors."""
            return self.line

    def __init__(self, titles: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.titles = tuple(titles)

    @property
    def key(self) -> str:
        """Key of the part that is chosen."""
        return self.titles[self.chosen][0]

    @key.setter
    def key(self, key: str) -> None:
        self.chosen = [each for each, _ in self.titles].index(key)

    def step(self, step: int) -> None:
        """Choose the next or previous part, around the ends."""
        self.chosen = (self.chosen + step) % len(self.titles)

    def watch_chosen(self) -> None:
        """Say so."""
        self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Choose the part under the mouse."""
        start = 1
        for index, (_, title) in enumerate(self.titles):
            if start <= event.x < start + len(title) + 2:
                self.chosen = index
            start += len(title) + 3

    def render(self) -> Content:
        """The chosen one in the accent colour, between brackets that need no colour."""
        return Content(" ").join(
            Content.styled(f"[{title}]", "bold $accent")
            if index == self.chosen
            else Content.styled(f" {title} ", "$dim")
            for index, (_, title) in enumerate(self.titles)
        )
