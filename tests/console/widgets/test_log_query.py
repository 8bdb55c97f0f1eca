import pytest

from backends.errors import InvalidInput
from backends.targets.records import Gap
from console.app.widgets import log_paint
from console.app.widgets.log_query import Matches, parse_search
from console.app.widgets.log_spool import LogSpool
from tests.support.loglines import line


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("tokenizer", "Slow Tokenizer", True),
        ("Tokenizer", "slow tokenizer", False),
        ("a.b", "axb", False),
        ("~a.b", "axb", True),
        ("!slow", "a slow one", False),
        ("!slow", "a quick one", True),
        ("two words", "these two words", True),
    ],
)
def test_text_is_found_as_typed(source: str, text: str, found: bool) -> None:
    assert parse_search(source).matches(line(1, text=text)) is found


def test_fields_narrow_it_and_levels_mean_that_or_above() -> None:
    search = parse_search("level:warn rid:7f replica:b slow")
    assert search.matches(line(1, text="slow", level="ERROR", rid="7f3a", replica="pod-b"))
    assert not search.matches(line(1, text="slow", level="INFO", rid="7f3a", replica="pod-b"))
    assert not search.matches(line(1, text="slow", level="ERROR", rid="8f3a", replica="pod-b"))
    assert not search.matches(line(1, text="slow", level="ERROR", rid="7f3a", replica="pod-a"))


@pytest.mark.parametrize("source", ["level:loud", "~("])
def test_a_wrong_term_is_refused_with_a_way_out(source: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_search(source)
    assert caught.value.fix


def test_matches_grow_with_the_log_and_keep_markers_where_wanted() -> None:
    spool = LogSpool(log_paint.width)
    spool.append([line(1, text="x"), Gap("lost", 1), line(2, text="y"), line(3, text="x")])
    shown = Matches(spool, parse_search("x"), markers=True)
    hits = Matches(spool, parse_search("x"), markers=False)
    for matches in (shown, hits):
        matches.extend(2)
        assert not matches.complete
        matches.extend()
        assert matches.complete
    assert list(shown.numbers) == [0, 1, 3]
    assert list(hits.numbers) == [0, 3]
    spool.append([line(4, text="x")])
    hits.extend()
    assert list(hits.numbers) == [0, 3, 4]
    hits.forget(3)
    assert list(hits.numbers) == [3, 4]
    spool.close()
