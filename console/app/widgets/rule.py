"""A thin line across."""

from textual.content import Content
from textual.widget import Widget


class Rule(Widget):
    """`─` over its whole width."""

    DEFAULT_CSS = "Rule { width: 1fr; height: 1; color: $line; }"

    def render(self) -> Content:
        """As long as there is room."""
        return Content("─" * self.size.width)
