"""How far something is that counts bytes."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from console import present

BAR = 30


class Progress(Widget):
    """`▕████░░░░▏  42%  512 MB of 1.2 GB`; blank until there is something to say."""

    DEFAULT_CSS = "Progress { height: 1; }"

    done: reactive[int] = reactive(0)
    """Bytes."""
    total: reactive[int] = reactive(0)
    """Bytes; 0 shows nothing."""

    def render(self) -> Content:
        """Bar, percentage, amounts."""
        if not self.total:
            return Content()
        part = min(self.done / self.total, 1.0)
        full = round(part * BAR)
        amounts = f"  {part:4.0%}  {present.size(self.done)} of {present.size(self.total)}"
        return Content.assemble(
            ("▕", "$dim"),
            ("█" * full, "$accent"),
            ("░" * (BAR - full), "$dim"),
            ("▏", "$dim"),
            amounts,
        )
