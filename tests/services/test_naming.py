"""Service names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import InvalidInput
from backends.services.naming import check_name, derive_name


@pytest.mark.parametrize("name", ["abc", "my-service", "a1b", "a" * 32])
def test_names_within_the_rule_are_kept(name: str) -> None:
    """3 to 32 of lower-case letters, digits and dashes."""
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "ab", "a" * 33, "Abc", "1ab", "a_b", "ab-", "a/b", "abc\n"])
def test_other_names_are_refused_with_the_rule(name: str) -> None:
    """The sentence states the rule, the fix gives an example that follows it."""
    with pytest.raises(InvalidInput, match="3 to 32 lower-case") as refused:
        check_name(name)
    example = refused.value.fix.removeprefix("For example: ").removesuffix(".")
    assert check_name(example) == example


@given(st.lists(st.text(max_size=60), max_size=3))
def test_a_derived_name_always_follows_the_rule(hints: list[str]) -> None:
    """Whatever the model or folder is called."""
    name = derive_name(hints)
    assert check_name(name) == name


def test_the_first_usable_hint_names_the_service() -> None:
    """A model's file ending becomes a dash, capitals become small."""
    assert derive_name(["", "sklearn_Mnist.pkl"]) == "sklearn-mnist-pkl"
