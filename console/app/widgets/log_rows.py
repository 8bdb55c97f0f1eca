"""Which screen rows show which lines of a log."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from console.app.widgets.log_spool import LogSpool

Measure = Callable[[int], int]
"""Rows that the item of a number takes, at least 1."""


class LogRows:
    """Maps a row to (place, row within the item), a place to its item's number, and back.

    As long as every item takes one row nothing is kept but the numbers that a filter chose;
    otherwise the top row of every item.
    """

    def __init__(self, spool: LogSpool) -> None:
        self._spool = spool
        self._chosen: array[int] | None = None
        self._measure: Measure | None = None
        self._tops = array("Q", [0])

    def show(self, chosen: "array[int] | None", measure: Measure | None) -> None:
        """Show all items, or the `chosen` numbers (the array may grow); 1 row each, or measured."""
        self._chosen = chosen
        self._measure = measure
        self._tops = array("Q", [0])
        self.extend()

    def extend(self) -> None:
        """Take in what came since."""
        if self._measure:
            for place in range(len(self._tops) - 1, self.count):
                self._tops.append(self._tops[-1] + self._measure(self.number(place)))

    @property
    def count(self) -> int:
        """Items shown."""
        if self._chosen is None:
            return self._spool.end - self._spool.first
        return len(self._chosen)

    @property
    def height(self) -> int:
        """Rows of all items."""
        return self._tops[-1] if self._measure else self.count

    def at(self, row: int) -> tuple[int, int]:
        """Place of the item at `row`, and which of the item's rows it is."""
        if not self._measure:
            return row, 0
        place = bisect_right(self._tops, row) - 1
        return place, row - self._tops[place]

    def top(self, place: int) -> int:
        """First row of the item at `place`."""
        return self._tops[place] if self._measure else place

    def number(self, place: int) -> int:
        """Number of the item at `place`."""
        return self._spool.first + place if self._chosen is None else self._chosen[place]

    def place(self, number: int) -> int:
        """Place of the item `number`, or of the next one that is shown; the last at the end."""
        if self._chosen is None:
            place = number - self._spool.first
        else:
            place = bisect_left(self._chosen, number)
        return max(0, min(place, self.count - 1))
