from console.app.widgets.rows import GAP, PAGE, PAGES_KEPT, Column, Pages, Row, fit
from console.present import Cell

COLUMNS = (
    Column(title="NAME", width=10, weight=1),
    Column(title="SIZE", width=6, right=True, rank=1),
    Column(title="TAGS", width=10, weight=3, rank=2),
)


def rows(start: int, stop: int) -> list[Row]:
    return [Row(str(number), (Cell(str(number)),)) for number in range(start, stop)]


def test_spare_cells_are_shared_by_weight() -> None:
    widths = dict(fit(COLUMNS, 10 + 6 + 10 + 2 * GAP + 40))
    assert widths == {0: 20, 1: 6, 2: 40}


def test_columns_give_way_by_rank_and_the_first_stays() -> None:
    assert [index for index, _ in fit(COLUMNS, 25)] == [0, 1]
    assert [index for index, _ in fit(COLUMNS, 12)] == [0]
    assert [index for index, _ in fit(COLUMNS, 1)] == [0]


def test_a_page_is_missing_until_it_is_put() -> None:
    pages = Pages(1000, rows(0, PAGE))
    assert pages.missing(0, PAGE) == []
    assert pages.missing(PAGE - 1, PAGE + 1) == [1]
    pages.put(1, rows(PAGE, 2 * PAGE))
    assert pages.missing(0, 2 * PAGE) == []
    assert pages.get(PAGE + 3) == Row(str(PAGE + 3), (Cell(str(PAGE + 3)),))
    assert pages.position(str(PAGE + 3)) == PAGE + 3


def test_only_recent_pages_are_held() -> None:
    pages = Pages(10**6, rows(0, PAGE))
    for page in range(1, PAGES_KEPT + 10):
        pages.put(page, rows(page * PAGE, (page + 1) * PAGE))
    assert pages.get(0) is None
    assert pages.get((PAGES_KEPT + 9) * PAGE) is not None


def test_nothing_is_missing_beyond_the_end() -> None:
    assert Pages(10, rows(0, 10)).missing(0, 500) == []
    assert Pages().missing(0, 50) == []
