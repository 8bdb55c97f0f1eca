"""The engine's own builder, for instructions that run nothing: COPY, ADD, ENV, LABEL and so on."""

import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from backends.engines.engine import Engine
from backends.errors import BuildFailed
from backends.images.containers.events import events
from backends.images.containers.lines import readable
from backends.images.containers.records import Image
from backends.images.containers.store import find_image
from backends.images.containers.tars import Entry, folder_entries, tar_of
from backends.images.venv import BuildLine


async def build_dockerfile(
    engine: Engine,
    dockerfile: str,
    *,
    context: Path | None = None,
    tag: str = "",
    labels: Mapping[str, str] | None = None,
) -> AsyncGenerator[BuildLine | Image, None]:
    """Build it from a context of this machine, sent while it is read; ends with the image.

    Raises:
        BuildFailed: an instruction failed; the sentence holds the builder's own.
    """
    name = f".pilothouse-{os.urandom(6).hex()}"
    query = {"dockerfile": name, "rm": 1, "forcerm": 1, "labels": json.dumps(labels or {})}
    if tag:
        query["t"] = tag
    answer = engine.stream(
        "build an image",
        "POST",
        f"/build?{urlencode(query)}",
        data=tar_of(_context(dockerfile, name, context)),
        headers={"Content-Type": "application/x-tar"},
        quiet_seconds=1800,
    )
    made, output = "", list[str]()
    async with contextlib.aclosing(answer):
        async for event in events(answer):
            if problem := event.get("error"):
                raise BuildFailed(
                    f"{_last_step(output)} failed: {str(problem).strip().rstrip('.')}.",
                    fix="Correct that instruction.",
                    detail="\n".join(output[-200:]),
                )
            made = (event.get("aux") or {}).get("ID") or made
            for line in map(readable, str(event.get("stream") or "").splitlines()):
                output.append(line)
                if line and not line.startswith((" ---", "Successfully", "Removing")):
                    yield BuildLine(line)
    image = await find_image(engine, made or tag)
    if image is None:
        raise BuildFailed("The engine built no image.", detail="\n".join(output[-200:]))
    yield Image(id=image.id, reference=tag or image.id, size=image.size, labels=image.labels)


def _context(dockerfile: str, name: str, folder: Path | None) -> Iterator[Entry]:
    yield Entry(name=name, data=dockerfile.encode())
    if folder is not None:
        yield from folder_entries(folder, keep=_ignore(folder))


def _ignore(folder: Path) -> Callable[[str, bool], bool]:
    """What `.dockerignore` lets through."""
    from docker.utils.build import PatternMatcher

    try:
        lines = (folder / ".dockerignore").read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return lambda _name, _folder: True
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    matcher: Any = PatternMatcher(patterns)  # takes text, whatever its types say
    again = any(pattern.startswith("!") for pattern in patterns)

    def keep(name: str, is_folder: bool) -> bool:
        # below a folder that is left out an exception may still let something through
        return (is_folder and again) or not matcher.matches(name)

    return keep


def _last_step(output: list[str]) -> str:
    steps = [line for line in output if line.startswith("Step ")]
    return steps[-1].partition(" : ")[2] if steps else "The build"
