"""The filter grammar: what each term means, what is wrong with one, what may be typed next."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.filters import (
    MODEL_FIELDS,
    Filter,
    Kind,
    Subject,
    SubjectVocabulary,
    complete,
    parse,
    quoted,
)

NOW = 1_700_000_000.0
DAY = 86400.0
MNIST = Subject(
    name="onnx_mnist",
    description="Digits by Hand",
    tags={"area": "mnist", "stage": "prod", "empty": ""},
    fields={
        "framework": "Onnx",
        "version": 4,
        "used": 1,
        "size": 26_000_000,
        "created": NOW - 2 * DAY,
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "area=mnist",
        "area!=vision",
        "other!=anything",
        "area=*",
        "other!=*",
        "area~NIS",
        'empty=""',
        "name:MNIST",
        "framework:onn",
        "version:4",
        "version:>3",
        "version:>=4",
        "version:<=4",
        "used:yes",
        "!used:no",
        "size:>10MB",
        "size:<25MiB",
        "created:<7d",
        "created:>1d",
        "created:<1mo",
        "MNIST",
        "hand",
        '"by hand"',
        "'by hand'",
        "!area=vision",
        "!!area=mnist",
        "area=mnist stage!=old version:>3 hand",
    ],
)
def test_term_that_holds(text: str) -> None:
    found = parse(text)
    assert not found.problems
    assert found.matches(MNIST, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "area=MNIST",
        "area!=mnist",
        "area=vision",
        "other=*",
        'area="*"',
        "other~x",
        "name:sklearn",
        "version:>4",
        "version:<4",
        "used:no",
        "size:>26MB",
        "created:<1d",
        "created:>7d",
        "!mnist",
        '"hand by"',
        "area=mnist stage=old",
    ],
)
def test_term_that_does_not_hold(text: str) -> None:
    found = parse(text)
    assert not found.problems
    assert not found.matches(MNIST, now=NOW)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("area=", "a value is missing"),
        ("area~", "a value is missing"),
        ("color:red", "not a field"),
        ("used:maybe", "used:yes or used:no"),
        ("size:big", "size:>10MB"),
        ("created:7d", "created:<7d"),
        ("version:", "a value is missing"),
        ("!", "nothing to look for"),
        ('""', "nothing to look for"),
        ('"never closed', "quotes"),
        ('area="never closed', "quotes"),
        ('area="x"y', "quotes"),
        ("=", "no space around"),
    ],
)
def test_wrong_term_is_named_and_the_rest_applies(text: str, named: str) -> None:
    found = parse(f"area=mnist {text}")
    (problem,) = found.problems
    assert problem.term == text
    assert problem.start == len("area=mnist ")
    assert named in problem.message
    assert found.terms == parse("area=mnist").terms


def test_other_lists_have_other_fields() -> None:
    found = parse("state:healthy size:>1", {"state": Kind.TEXT})
    assert [problem.term for problem in found.problems] == ["size:>1"]
    assert found.matches(Subject(name="x", fields={"state": "Healthy"}))
    assert not found.matches(Subject(name="x", fields={"state": "Failed"}))
    assert not found.matches(Subject(name="x"))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = parse(text)
    assert found.matches(MNIST, now=NOW) in {True, False}
    assert all(text[one.start :].startswith(one.term) for one in found.problems)


@given(st.text(string.printable, max_size=30))
def test_typing_a_filter_never_fails(text: str) -> None:
    vocabulary = SubjectVocabulary([MNIST], MODEL_FIELDS)
    for cursor in range(len(text) + 1):
        for offer in complete(text, cursor, vocabulary):
            assert offer.start <= cursor <= offer.end
            assert len(parse(offer.applied(text)).problems) <= len(parse(text).problems) + 1


_labels = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


@given(_labels, _labels)
def test_quoted_name_and_value_mean_themselves(key: str, value: str) -> None:
    wanted = parse(f"{quoted(key)}={quoted(value)}")
    assert not wanted.problems
    assert wanted.matches(Subject(name="x", tags={key: value}))
    assert not wanted.matches(Subject(name="x", tags={key: value + "!"}))


@given(_labels)
def test_quoted_word_means_itself(word: str) -> None:
    assert parse(quoted(word)).matches(Subject(name=f"<{word}>"))


@given(st.sampled_from(["area=mnist", "hand", "used:yes", "version:>9", "other=*", "size:>1GB"]))
def test_negation_is_the_opposite(text: str) -> None:
    plain, negated = parse(text), parse(f"!{text}")
    assert plain.matches(MNIST, now=NOW) is not negated.matches(MNIST, now=NOW)


# ------------------------------------------------------------------ completion

SUBJECTS = (
    MNIST,
    Subject(
        name="w2v", tags={"area": "text", "made by": "two people"}, fields={"framework": "Onnx"}
    ),
    Subject(name="bert", tags={"area": "text"}, fields={"framework": "PyTorch"}),
)


def offers(text: str, cursor: int | None = None) -> list[tuple[str, int | None]]:
    vocabulary = SubjectVocabulary(SUBJECTS, MODEL_FIELDS)
    at = len(text) if cursor is None else cursor
    return [(one.applied(text), one.count) for one in complete(text, at, vocabulary)]


def test_names_are_offered_with_counts_then_fields() -> None:
    found = offers("")
    assert found[0] == ("area=", 3)
    assert ('"made by"=', 1) in found
    assert found[-len(MODEL_FIELDS) :] == [(f"{name}:", None) for name in MODEL_FIELDS]


def test_values_are_offered_with_counts() -> None:
    assert offers("area=") == [("area=text", 2), ("area=mnist", 1), ("area=*", None)]
    assert offers("area=te") == [("area=text", 2)]
    assert offers('x "made by"!="two') == [('x "made by"!="two people"', 1)]


def test_field_values_are_offered() -> None:
    assert offers("framework:") == [("framework:Onnx", 2), ("framework:PyTorch", 1)]
    assert offers("used:y") == [("used:yes", None)]
    assert offers("created:") == [("created:<7d", None)]
    assert offers("nothing:") == []


def test_offer_takes_the_place_of_the_term_under_the_cursor() -> None:
    assert offers("!are used:yes", 4)[0] == ("!area= used:yes", 3)
    assert offers("area=mnist stage=x", len("area=")) == [
        ("area=text stage=x", 2),
        ("area=* stage=x", None),
    ]


def test_nothing_is_offered_for_what_is_complete() -> None:
    assert offers("area=text") == []


def test_empty_filter_lets_everything_through() -> None:
    assert Filter().matches(Subject(name=""))
