"""A `ServiceSpec` as JSON, and back: what a target stores to find its services again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from backends.errors import IntegrityError
from backends.targets.records import ServiceSpec


def spec_to_json(spec: ServiceSpec) -> str:
    """One line of JSON with sorted keys: equal specs give equal text."""
    return msgspec.json.encode(spec, enc_hook=_plain, order="sorted").decode()


def spec_from_json(text: str | bytes) -> ServiceSpec:
    """The spec that `spec_to_json` wrote; keys of newer versions are ignored.

    Raises:
        IntegrityError: the text is not a spec.
    """
    try:
        return msgspec.json.decode(text, type=ServiceSpec, dec_hook=_path)
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"A stored service description cannot be read: {error}.",
            fix="Deploy the service again, or delete it.",
        ) from error


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _path(kind: type[Any], value: object) -> Any:
    return Path(str(value)) if kind is Path else value
