"""A Dockerfile's text as instructions."""

import pytest

from backends.errors import InvalidInput
from backends.images.containers.dockerfile import parse_dockerfile, substituted


def said(text: str) -> list[tuple[str, str, int]]:
    return [(one.word, one.text, one.line) for one in parse_dockerfile(text, "the file")]


def test_continued_lines_are_one_instruction_with_the_line_where_it_begins() -> None:
    text = '# top\n\nrun a && \\\n  # in between\n\n  b\r\nENV X=1\nCMD ["x"]\n'
    assert said(text) == [("RUN", "a && b", 3), ("ENV", "X=1", 7), ("CMD", '["x"]', 8)]


def test_the_escape_character_may_be_another() -> None:
    assert said("# escape=`\nRUN a `\n b\\\n") == [("RUN", "a b\\", 2)]


def test_the_exec_form_is_told_from_the_shell_form() -> None:
    exec_form, shell, odd = parse_dockerfile('RUN ["a", "b c"]\nRUN a b\nRUN [1]\n', "the file")
    assert (exec_form.words, shell.words, odd.words) == (["a", "b c"], None, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("FORM python", "is no Dockerfile instruction"),
        ("RUN --mount=type=cache,target=/x true", "BuildKit"),
        ("RUN <<EOF\nls\nEOF", "here-document"),
        ("COPY <<X /x\na\nX", "here-document"),
    ],
)
def test_what_cannot_be_followed_is_named_with_its_line(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=r"Line 2 of the file .*" + why):
        parse_dockerfile(f"# first\n{text}\n", "the file")


def test_a_shift_is_no_here_document() -> None:
    assert said("RUN echo $((1<<2))") == [("RUN", "echo $((1<<2))", 1)]


def test_variables_are_replaced_with_their_defaults() -> None:
    known = {"A": "1", "B": "2"}
    assert substituted("x:$A-${B}-${C:-3}-${D}", known) == "x:1-2-3-"
