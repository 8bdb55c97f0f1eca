import pytest

from console.app.widgets.json_editor import judge
from console.app.widgets.text_view import json_line
from console.present import Tone


def test_json_is_told_with_its_size() -> None:
    assert judge('{"a": 1}').sentence == "JSON, 1 line, 8 B"
    assert judge("").valid


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"a": 1,\n  "b" 2}', 2, 7), ("{]", 1, 2), ('{"a": 1}}', 1, 9)],
)
def test_the_first_error_has_its_place(text: str, line: int, column: int) -> None:
    verdict = judge(text)
    assert not verdict.valid
    assert (verdict.line, verdict.column) == (line, column)
    assert f"line {line}, column {column}: " in verdict.sentence


def test_deep_nesting_is_an_error_and_no_fault() -> None:
    assert not judge("[" * 200_000).valid


def test_parts_of_a_line_are_told_apart_and_nothing_is_lost() -> None:
    source = '  "key": [1.5e-3, true, "text \\" x"], 日本'
    cells = json_line(source)
    assert "".join(cell.text for cell in cells) == source
    tones = {cell.text: cell.tone for cell in cells}
    assert tones['"key"'] is Tone.PLAIN
    assert tones["1.5e-3"] is Tone.BUSY
    assert tones['"text \\" x"'] is Tone.GOOD
