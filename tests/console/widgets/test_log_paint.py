import json

from rich.cells import cell_len

from backends.targets.records import Gap, StreamEnd
from console.app.widgets import log_paint
from console.app.widgets.log_paint import Look, Stamps
from console.present import Cell
from tests.support.loglines import BEGAN, line

LOOK = Look(Stamps.CLOCK, {"a": "a", "b": "b"}, 80)


def text(cells: list[Cell]) -> str:
    return "".join(cell.text for cell in cells)


def test_a_row_ends_with_request_and_time_at_the_right_edge() -> None:
    drawn = text(log_paint.row(line(1, text="scored", rid="7f3a91c2d4", ms=0.8), BEGAN, LOOK))
    assert drawn.startswith("22:13:21.000 a INFO  scored  ")
    assert drawn.endswith("  rid 7f3a91c2    0.8 ms")
    assert len(drawn) == 80


def test_the_time_since_the_line_before_can_stand_there() -> None:
    look = Look(Stamps.SINCE, {}, 80)
    assert text(log_paint.row(line(3), BEGAN + 1.5, look)).startswith("    +1.500 INFO  line 3")


def test_further_lines_are_told_as_their_number() -> None:
    assert (
        text(log_paint.message(line(1, text="ValueError\n  a\n  b"))) == "ValueError ┆ 2 more lines"
    )


def test_a_json_line_reads_as_message_and_fields() -> None:
    body = json.dumps({"user": "日本", "message": "hi\x1b[31m there", "n": [1, 2]})
    assert text(log_paint.message(line(1, text=body))) == "hi there  user=日本  n=[1, 2]"


def test_a_json_line_opens_indented_and_without_escapes() -> None:
    rows = log_paint.detail(line(1, text='{"a": "\\u001b[31m\\u202e", "b": 2}'), LOOK)
    assert rows[1:] == ["{", '  "a": "\\u001b[31m",', '  "b": 2', "}"]


def test_a_line_that_is_no_json_after_all_stays_text() -> None:
    assert text(log_paint.message(line(1, text="{not json}"))) == "{not json}"


def test_a_long_line_is_capped_and_says_so() -> None:
    drawn = text(log_paint.message(line(1, text="x" * 5_000)))
    assert drawn == "x" * 2_000 + " ┆ 3,000 more characters"


def test_an_open_line_of_any_size_has_bounded_rows() -> None:
    rows = log_paint.detail(line(1, text="\n".join("x" for _ in range(5_000))), LOOK)
    assert len(rows) == log_paint.MOST_ROWS + 1


def test_folding_keeps_wide_and_combining_characters_whole() -> None:
    source = "日本e\u0301語abc日"
    for room in (2, 3, 5, 8):
        rows = log_paint.fold(source, room)
        assert "".join(rows) == source
        assert all(cell_len(row) <= room for row in rows)


def test_markers_say_what_is_missing() -> None:
    assert text(log_paint.marker(Gap("connection lost", 2), LOOK)).startswith(
        "── gap: connection lost, 2 lines missing ──"
    )
    assert "nothing missing" in text(log_paint.marker(Gap("connection lost", 0), LOOK))
    assert text(log_paint.marker(StreamEnd("deleted"), LOOK)).startswith("── end: deleted ──")


def test_the_measured_width_is_the_drawn_one() -> None:
    for given in (
        line(1, text="plain", rid="7f3a", ms=12.0),
        line(1, text="日本\nmore"),
        line(1, text='{"message": "m", "k": 1}'),
    ):
        whole = [*log_paint.message(given), *log_paint.tail(given)]
        assert log_paint.width(given) == cell_len(text(whole))
