import pytest

from backends.targets.records import ServiceState
from console import present
from console.present import Cell, Tone


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (26_143, "26 KB"),
        (1_234_567, "1.2 MB"),
        (88_000_000, "88 MB"),
        (999_700_000, "1.0 GB"),
        (3.2e15, "3 PB"),
    ],
)
def test_a_size_has_a_unit_and_two_figures(count: float, text: str) -> None:
    assert present.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (86_400 * 2, "2d"), (86_400 * 95, "3mo")],
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert present.age(1000.0, 1000.0 + seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0008, "0.8 ms"), (0.15, "150 ms"), (1.34, "1.3 s"), (245, "4m 05s")],
)
def test_a_duration_is_as_fine_as_it_is_short(seconds: float, text: str) -> None:
    assert present.took(seconds) == text


@pytest.mark.parametrize("state", ServiceState)
def test_a_state_is_a_glyph_and_a_word(state: ServiceState) -> None:
    glyph, word = present.state(state).text.split(" ")
    assert len(glyph) == 1
    assert word == state


def test_states_differ_without_colour() -> None:
    assert len({present.state(state).text[0] for state in ServiceState}) == len(ServiceState)


def test_the_last_known_state_carries_a_question_mark() -> None:
    assert present.state(ServiceState.HEALTHY, reachable=False) == Cell("? Healthy", Tone.DIM)


def test_nothing_that_a_terminal_acts_upon_is_drawn() -> None:
    hostile = "a\x1b]52;c;eA==\x07b\x9b31m\u202ec\u200b\n\td\x00"
    assert present.plain(hostile) == "a]52;c;eA==b31mc   d"


def test_counts_agree_with_their_noun() -> None:
    assert present.count(1, "service") == "1 service"
    assert present.count(1204, "line") == "1,204 lines"
    assert present.count(2, "entry", "entries") == "2 entries"
