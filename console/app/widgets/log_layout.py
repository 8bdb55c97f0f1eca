"""How many rows each item of a log takes, and what stands in them."""

from backends.targets.records import LogLine
from console.app.widgets import log_paint
from console.app.widgets.log_paint import INDENT, Cells, Look, Stamps
from console.app.widgets.log_spool import LogItem, LogSpool
from console.present import Cell, Tone


class LogLayout:
    """The rows of a spool's items under one look; opened lines show all of themselves."""

    def __init__(self, spool: LogSpool) -> None:
        self._spool = spool
        self._opened: dict[int, list[str]] = {}
        self.look = Look(Stamps.CLOCK, {}, 80)
        self.wrap = False

    @property
    def uneven(self) -> bool:
        """Items may take more than one row."""
        return self.wrap or bool(self._opened)

    @property
    def room(self) -> int:
        """Cells for the text when it is wrapped."""
        return max(self.look.width - log_paint.prefix_width(self.look), 8)

    def restyle(self, look: Look, wrap: bool) -> None:
        """Lay out for another look."""
        self.look, self.wrap = look, wrap
        for number in self._opened:
            self._open(number)

    def toggle(self, number: int) -> None:
        """Open a line, or close it again; a marker stays as it is."""
        if self._opened.pop(number, None) is None:
            self._open(number)

    def forget(self, first: int) -> None:
        """Drop what is known of items below `first`."""
        for number in [number for number in self._opened if number < first]:
            del self._opened[number]

    def height(self, number: int) -> int:
        """Rows of an item, without reading it where that is possible."""
        return len(self._opened.get(number, ())) + (self._folded(number) if self.wrap else 1)

    def rows(self, number: int, before: float) -> list[Cells]:
        """What stands in an item's rows; `before` is the time of the line before."""
        rows = self._base(self._spool.read(number), before)
        opened = self._opened.get(number, [])
        return [*rows, *([Cell(INDENT + text, Tone.DIM)] for text in opened)]

    def _open(self, number: int) -> None:
        item = self._spool.read(number)
        if isinstance(item, LogLine):
            self._opened[number] = log_paint.detail(item, self.look)

    def _folded(self, number: int) -> int:
        width = self._spool.width(number)
        if width <= self.room:
            return 1
        if self._spool.ascii(number):
            return -(-width // self.room)
        return len(self._base(self._spool.read(number), 0.0))

    def _base(self, item: LogItem, before: float) -> list[Cells]:
        if not isinstance(item, LogLine):
            return [log_paint.marker(item, self.look)]
        if not self.wrap:
            return [log_paint.row(item, before, self.look)]
        left = log_paint.prefix(item, before, self.look)
        blank = [Cell(" " * log_paint.cells_width(left))]
        body = [*log_paint.message(item), *log_paint.tail(item)]
        first, *others = log_paint.fold_cells(body, self.room)
        return [[*left, *first], *([*blank, *part] for part in others)]
