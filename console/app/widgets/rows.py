"""What a table shows: columns that fit themselves to a width, and rows that come in pages."""

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from console.present import Cell

PAGE = 100
"""Rows fetched at once."""
PAGES_KEPT = 50
GAP = 2
"""Blank cells between two columns."""


class Column(Struct, frozen=True, kw_only=True):
    """One column."""

    title: str
    width: int
    """Cells it needs."""
    weight: int = 0
    """Its share of what is left over; 0 keeps `width`."""
    right: bool = False
    """Right-aligned, as numbers are."""
    rank: int = 0
    """Columns with the highest rank go first when there is no room; rank 0 stays."""


class Row(Struct, frozen=True):
    """One row: a cell for each column."""

    id: str
    cells: tuple[Cell, ...]


def fit(columns: Sequence[Column], width: int) -> tuple[tuple[int, int], ...]:
    """Index and width of the columns that `width` cells have room for, in their order."""
    kept = list(range(len(columns)))
    while _needed(columns, kept) > width:
        droppable = [index for index in kept if columns[index].rank]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda index: (columns[index].rank, index)))
    spare = width - _needed(columns, kept)
    weights = sum(columns[index].weight for index in kept)
    widths = {}
    for index in kept:
        share = spare * columns[index].weight // weights if weights else 0
        widths[index] = max(columns[index].width + share, 1)
    return tuple(widths.items())


def _needed(columns: Sequence[Column], kept: Sequence[int]) -> int:
    return sum(columns[index].width for index in kept) + GAP * max(len(kept) - 1, 0)


class Pages:
    """Rows by position, of which only the recently seen pages are held.

    Args:
        total: How many rows there are.
        rows: Those from position 0 on that are known already.
    """

    def __init__(self, total: int = 0, rows: Sequence[Row] = ()) -> None:
        self.total = total
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()
        for start in range(0, len(rows), PAGE):
            self._pages[start // PAGE] = rows[start : start + PAGE]
        self._whole = len(rows) > PAGE  # all were given at once: there is nowhere to fetch from

    def get(self, position: int) -> Row | None:
        """The row there, if its page is held."""
        page = self._pages.get(position // PAGE)
        offset = position % PAGE
        return page[offset] if page is not None and offset < len(page) else None

    def put(self, page: int, rows: Sequence[Row]) -> None:
        """Hold a page; the page seen longest ago is let go."""
        self._pages[page] = rows
        self._pages.move_to_end(page)
        while not self._whole and len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)

    def missing(self, start: int, stop: int) -> list[int]:
        """Pages of positions `start` to `stop` that are not held."""
        last = min(stop, self.total) - 1
        wanted = range(start // PAGE, last // PAGE + 1) if last >= start else range(0)
        return [page for page in wanted if page not in self._pages]

    def position(self, row_id: str) -> int | None:
        """Where a row is, when its page is held."""
        for page, rows in self._pages.items():
            for offset, row in enumerate(rows):
                if row.id == row_id:
                    return page * PAGE + offset
        return None
