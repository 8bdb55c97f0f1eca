"""The command lines that do what the Models view does."""

import shlex
from collections.abc import Mapping, Sequence

from backends.registry.records import Registration


def register(request: Registration) -> str:
    """`pilothouse model register …`."""
    parts = ["register", "-n", request.name, "-p", request.path]
    for child in request.child_paths:
        parts += ["--child-path", child]
    if request.description:
        parts += ["-d", request.description]
    if request.framework is not None:
        parts += ["--model-framework", request.framework]
    if request.framework_version:
        parts += ["--model-framework-version", request.framework_version]
    parts += _labels("--tag", request.tags) + _labels("--property", request.properties)
    return _line(parts)


def update(
    reference: str,
    *,
    add_tags: Mapping[str, str],
    remove_tags: Sequence[str],
    add_properties: Mapping[str, str],
    description: str | None,
) -> str:
    """`pilothouse model update …`."""
    parts = ["update", "-i", reference, *_labels("--add-tag", add_tags)]
    for name in remove_tags:
        parts += ["--remove-tag", name]
    parts += _labels("--add-property", add_properties)
    if description is not None:
        parts += ["--description", description]
    return _line(parts)


def delete(references: Sequence[str]) -> str:
    """`pilothouse model delete …`, one for each."""
    return " && ".join(_line(["delete", "-i", reference]) for reference in references)


def verify(reference: str) -> str:
    """`pilothouse model verify …`."""
    return _line(["verify", *(["-i", reference] if reference else [])])


def _labels(flag: str, labels: Mapping[str, str]) -> list[str]:
    return [part for key, value in labels.items() for part in (flag, f"{key}={value}")]


def _line(parts: Sequence[str]) -> str:
    return shlex.join(["pilothouse", "model", *parts])
