"""A spec survives being stored."""

from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import IntegrityError
from backends.targets.records import Limits, ModelRef, Resources, ServiceSpec
from backends.targets.specs import spec_from_json, spec_to_json

texts = st.text(max_size=12)
numbers = st.none() | st.floats(0, 1e6)
specs = st.builds(
    ServiceSpec,
    workspace=texts,
    name=texts,
    revision=st.integers(0, 9),
    target=texts,
    models=st.tuples(st.builds(ModelRef, texts, st.integers(0, 9), texts)),
    bundle=st.none() | st.just(Path("/tmp/bundle é")),
    interpreter=st.none() | st.just(Path("/usr/bin/python3")),
    entry_script=st.none() | texts,
    variables=st.dictionaries(texts, texts),
    resources=st.builds(Resources, cpu=numbers, memory_gb=numbers),
    limits=st.builds(Limits, concurrency=st.integers(1, 9)),
    port=st.none() | st.integers(0, 65535),
    auth=st.booleans(),
    tags=st.dictionaries(texts, texts),
)


@given(specs)
def test_a_spec_comes_back_as_it_was(spec: ServiceSpec) -> None:
    text = spec_to_json(spec)
    assert spec_from_json(text) == spec
    assert spec_to_json(spec_from_json(text)) == text
    assert "\n" not in text


def test_any_mapping_is_stored() -> None:
    spec = ServiceSpec(
        workspace="w", name="n", revision=1, target="t", tags=MappingProxyType({"a": "b"})
    )
    assert spec_from_json(spec_to_json(spec)).tags == {"a": "b"}


def test_what_a_newer_version_added_is_ignored() -> None:
    text = '{"workspace":"w","name":"n","revision":1,"target":"t","later":1,"limits":{"x":2}}'
    assert spec_from_json(text).limits == Limits()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name":"n"}', '{"models":3}'])
def test_what_is_no_spec_is_an_integrity_error(text: str) -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        spec_from_json(text)
