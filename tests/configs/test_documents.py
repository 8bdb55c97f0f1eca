"""Text becomes values that know their lines, whatever the text."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.configs import documents
from backends.configs.nodes import Node
from backends.configs.report import Report


def load(text: str | bytes) -> tuple[Node | None, Report]:
    report = Report("file")
    return documents.load(text, report), report


def loaded(text: str | bytes) -> Node:
    node, report = load(text)
    assert node is not None, report.problems
    return node


def fault(text: str | bytes) -> tuple[str, int | None]:
    node, report = load(text)
    assert node is None
    (problem,) = report.problems
    return problem.message, problem.line


def child(node: Node, key: str) -> Node:
    assert isinstance(node.value, dict)
    found = node.value[key]
    assert isinstance(found, Node)
    return found


def test_a_value_knows_the_line_of_its_key() -> None:
    node = loaded('{\n  "a": 1,\n  "b": {\n    "c":\n      [1,\n 2]}}')
    assert child(node, "a").line == 2
    assert child(child(node, "b"), "c").line == 4


def test_json_indented_with_tabs_knows_its_lines() -> None:
    node = loaded('{\n\t"a": [1,\n\t\t{"x": null}],\n\t"b": {\n\t\t"c": "d\\n"\n\t}\n}')
    assert node.plain() == {"a": [1, {"x": None}], "b": {"c": "d\n"}}
    assert child(child(node, "b"), "c").line == 5


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfa: 1\nb: x\n",
        b"a: 1\r\nb: x\r\n",
        b"a: 1\rb: x\r",
        "a: 1\nb: x\n".encode("utf-16"),
        b'{"a": 1, "b": "x"}',
        b'\xef\xbb\xbf{\r\n\t"a": 1,\r\n\t"b": "x"\r\n}',
    ],
)
def test_marks_and_line_ends_do_not_matter(data: bytes) -> None:
    assert loaded(data).plain() == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e5", 1e5),
        ("-1.5E+3", -1500.0),
        ("1_000", 1000),
        ("0x1F", 31),
        ("yes", True),
        ("~", None),
        ("'1'", "1"),
        ("2020-01-31", "2020-01-31"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("=", "="),
    ],
)
def test_scalars_are_yaml_and_json_and_never_without_end(text: str, value: Any) -> None:
    assert child(loaded(f"a: {text}"), "a").value == value


def test_a_number_keeps_how_it_is_written() -> None:
    assert child(loaded("a: 10.0"), "a").text == "10.0"


def test_escaped_surrogate_pairs_are_one_character() -> None:
    assert child(loaded('{"a": "\\ud83d\\ude00"}'), "a").value == "😀"
    assert "surrogate" in fault('{"a": "\\ud83d"}')[0]


def test_aliases_and_merges_hold() -> None:
    node = loaded("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n")
    assert child(node, "y").plain() == {"a": 1, "b": 3}
    assert child(node, "z").plain() == {"a": 1, "b": 2}


def test_a_key_that_stands_twice_is_told_and_the_last_counts() -> None:
    for text in ("a:\n  b: 1\n  b: 2\n", '{\n"a": {"b": 1,\n\t"b": 2}}'):
        node, report = load(text)
        assert node is not None
        assert node.plain() == {"a": {"b": 2}}
        (problem,) = report.problems
        assert (problem.key, problem.line) == ("a.b", 3)
        assert "line 3 counts, line 2 does not" in problem.message


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("", "is empty", 1),
        ("# nothing\n", "is empty", 1),
        ('{\n"a": 1,,\n}', "neither JSON nor YAML", 2),
        ("a: [1\nb: 2", "neither YAML nor JSON", 2),
        ("a: 1\n\tb: 2\n", "neither YAML nor JSON", 2),
        ("a: 1\n---\nb: 2\n", "neither YAML nor JSON", 2),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "uses a YAML tag", 2),
        ("a: !!binary aGk=\n", "uses a YAML tag", 1),
        ("? [a]\n: b\n", "key that is not text", 1),
        ("a: 1\nb: \x07\n", "character that YAML does not allow", 2),
        ('a: "\\U00110000"\n', "out of range", 1),
        ("a: *none\n", "neither YAML nor JSON", 1),
        ("a: &a [*a]\n", "nested deeper", 1),
        ("[" * 100_000, "nested deeper", 1),
        ('{"a":' * 5000, "nested deeper", 1),
        ("<<: 1\n", "merges", 1),
        ("x" * (documents.MAX_BYTES + 1), "larger than", 1),
    ],
)
def test_what_cannot_be_read_is_one_clear_problem(text: str, said: str, line: int) -> None:
    message, at = fault(text)
    assert said in message
    assert at == line
    assert f"line {line}, column " in message


def test_what_is_no_utf8_is_named() -> None:
    assert "UTF-16 without its mark" in fault("a: 1".encode("utf-16-le"))[0]
    assert fault(b"a: 1\nb: \xff\n") == (
        "The file is not UTF-8: save it as UTF-8 (line 2, column 1).",
        2,
    )
    assert "not UTF-16" in fault(b"\xff\xfea")[0]


def test_a_fault_quotes_nothing_from_the_file() -> None:
    for text in ("password: *hush-hush\n", "password: !hush!hush x\n", "a: &hush 1\nb: *hushed\n"):
        assert "hush" not in fault(text)[0]


def test_reading_json_imports_no_yaml() -> None:
    code = (
        "import sys; from backends.configs.deployment import parse_deployment;"
        "parsed = parse_deployment('{\"computeType\": \"local\"}', 'x');"
        "assert parsed.config; assert 'yaml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert "holds more than" in fault("\n".join(lines))[0]
    merged = ["a0: &a0 {x: 1}"]
    merged += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]
    assert "holds more than" in fault("\n".join(merged))[0]


def test_a_device_a_folder_and_a_missing_file_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "missing", "nul\0"):
        report = Report("file")
        assert documents.read(tmp_path / name, report) is None
        assert report.failed


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
    st.sampled_from([None, 2, "\t"]),
    st.booleans(),
)
def test_every_json_text_reads_as_json_reads_it(tree: Any, indent: Any, ascii_: bool) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_)
    node, report = load(text)
    if node is None:  # half a surrogate pair is text to json and to nobody else
        assert "surrogate" in report.problems[0].message
    else:
        assert node.plain() == tree
