import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.printable import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text", "plain text"),
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]52;c;aGVsbG8=\x07x", "x"),
        ("\x1b]0;title\x1b\\y", "y"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;1;2\x1b\\z", "z"),
        ("\x9b31mq", "q"),
        ("\x1b(0abc\x1bc", "abc"),
        ("a\tb", "a       b"),
        ("progress\rdone\r\nnext", "progress\ndone\nnext"),
        ("\u202eabc\u200b", "abc"),
        ("日本\x07語", "日本語"),
        ("x\ud800y", "xy"),
    ],
)
def test_what_a_terminal_would_act_upon_is_taken_away(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(
    st.text(
        alphabet=st.sampled_from("\x1b[]P;mc0 a\x07\\\x9b\x9d\r\n\x00\u202e\ud800é日"), max_size=60
    )
)
def test_nothing_but_line_feeds_and_printable_characters_is_left(raw: str) -> None:
    shown = printable(raw)
    assert shown.replace("\n", "").isprintable()
    shown.encode()
