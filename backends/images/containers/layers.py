"""One layer of an image: create a container, put files in, run a program in it, commit it.

Nothing that a program is given through a mounted volume, and no variable of ours, is ever part of
the layer or of the image's history: the engine's builder could not promise that over plain HTTP.
"""

import asyncio
import contextlib
import json
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from backends.engines.engine import Engine, EngineCut
from backends.errors import BuildFailed
from backends.images.containers import names
from backends.images.containers.lines import LogLines
from backends.images.containers.records import Image
from backends.images.venv import BuildLine

if TYPE_CHECKING:
    import docker

_COMMIT_SECONDS = 1800.0
_KEPT_LINES = 5000
_TELL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Files that are put into a container below a folder that is there."""

    folder: str
    pieces: Callable[[], Iterable[bytes]]
    """A tar's bytes, made while they are sent."""
    size: int = 0
    """About how many bytes; 0 where that was not worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What is to be made."""

    parent: str
    """Image it stands on."""
    title: str
    """As a person reads it; named when it fails."""
    command: tuple[str, ...] = ()
    """Empty: nothing runs."""
    user: str = ""
    """Who runs it; empty is the parent's user. The image keeps the parent's."""
    archives: tuple[Archive, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume -> where it is mounted."""
    network: str = ""
    changes: tuple[str, ...] = ()
    """Dockerfile instructions without files, in force from this layer on."""
    labels: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    learn: "Callable[[Sequence[str]], Learnt] | None" = None
    """Reads the program's lines."""


class StepFailed(BuildFailed):
    """A program that makes a layer ended with another code than 0."""

    def __init__(self, layer: Layer, code: int, output: list[str]) -> None:
        """`output` is all that it said, oldest first."""
        super().__init__(f"{layer.title} failed.", detail="\n".join(output[-200:]))
        self.code = code
        self.output = output


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a layer's own program found out about it, and the image then says."""

    changes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


async def make_layer(engine: Engine, layer: Layer) -> AsyncGenerator[BuildLine | Image, None]:
    """Make it; ends with the image. Closing the generator ends what runs and removes it.

    Raises:
        StepFailed: its program failed.
        PilothouseError: the engine refused or could not be reached.
    """
    name = f"pilothouse-build-{os.urandom(6).hex()}"
    parent = await inspect_image(engine, layer.parent)
    try:
        await _create(engine, layer, parent, name)
        for archive in layer.archives:
            async with contextlib.aclosing(put_archive(engine, name, archive)) as lines:
                async for line in lines:
                    yield line
        if layer.command:
            async with contextlib.aclosing(_run(engine, layer, name)) as items:
                async for item in items:
                    if isinstance(item, Learnt):
                        layer = _told(layer, item)
                    else:
                        yield item
        yield await _commit(engine, layer, parent, name)
    finally:
        await remove_container(engine, name)


async def inspect_image(engine: Engine, reference: str) -> dict[str, Any]:
    """What the engine says of an image (`GET /images/{name}/json`)."""

    def ask(client: Any) -> dict[str, Any]:
        found: dict[str, Any] = client.inspect_image(reference)
        return found

    return await engine.call(f"look at the image {reference}", ask)


async def put_archive(
    engine: Engine, container: str, archive: Archive
) -> AsyncGenerator[BuildLine, None]:
    """Send files into a container, as they are read; a line a while tells how far it is."""
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for piece in archive.pieces():
            yield piece
            sent += len(piece)

    sending = asyncio.ensure_future(_send(engine, container, archive.folder, counted()))
    try:
        while not (await asyncio.wait({sending}, timeout=_TELL_SECONDS))[0]:
            of = f" of {archive.size / 1e6:.0f}" if archive.size else ""
            yield BuildLine(f"sent {sent / 1e6:.0f}{of} MB")
        await sending
    finally:
        sending.cancel()


async def _send(engine: Engine, container: str, folder: str, pieces: Iterator[bytes]) -> None:
    path = f"/containers/{container}/archive?{urlencode({'path': folder})}"
    headers = {"Content-Type": "application/x-tar"}
    answer = engine.stream(
        "take files",
        "PUT",
        path,
        data=pieces,
        headers=headers,
        quiet_seconds=600,
    )
    async with contextlib.aclosing(answer):
        async for _ in answer:
            pass


async def remove_container(engine: Engine, name: str) -> None:
    """End and remove a container; one that is not there is no error."""
    import docker.errors

    def remove(client: "docker.APIClient") -> None:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_container(name, force=True, v=True)

    await engine.call("remove a build's container", remove)


async def _create(engine: Engine, layer: Layer, parent: dict[str, Any], name: str) -> None:
    mounts = [
        {"Type": "volume", "Source": volume, "Target": at} for volume, at in layer.volumes.items()
    ]
    config = {
        "Image": parent["Id"],
        "User": layer.user or parent["Config"].get("User") or "",
        "Entrypoint": list(layer.command[:1]),
        "Cmd": list(layer.command[1:]),
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {names.BUILDING: "yes"},
        "HostConfig": {
            "Mounts": mounts,
            "LogConfig": {"Type": "json-file"},
            **({"NetworkMode": layer.network} if layer.network else {}),
        },
    }
    if not layer.command:
        config["Entrypoint"] = ["none"]  # never started

    def create(client: Any) -> None:
        client.create_container_from_config(config, name)

    await engine.call(f"prepare: {layer.title}", create)


def _told(layer: Layer, learnt: Learnt) -> Layer:
    changes, labels = (*layer.changes, *learnt.changes), {**layer.labels, **learnt.labels}
    return replace(layer, changes=changes, labels=labels)


async def _run(engine: Engine, layer: Layer, name: str) -> AsyncGenerator[BuildLine | Learnt, None]:
    await engine.call(f"start: {layer.title}", lambda client: client.start(name))
    output: deque[str] = deque(maxlen=_KEPT_LINES)
    told, state = 0, {"Running": True}
    while state.get("Running"):
        number = 0
        with contextlib.suppress(EngineCut):
            async with contextlib.aclosing(_lines(engine, name)) as lines:
                async for text in lines:
                    number += 1
                    if number > told:  # the others were told before the connection was cut
                        output.append(text)
                        yield BuildLine(text)
        told = max(told, number)
        state = await _state(engine, name)
    if code := int(state.get("ExitCode") or 0):
        raise StepFailed(layer, code, list(output))
    if layer.learn is not None:
        yield layer.learn(list(output))


async def _lines(engine: Engine, name: str) -> AsyncGenerator[str, None]:
    what = "follow a build step"
    query: dict[str, str | int] = {"stdout": 1, "stderr": 1, "follow": 1}
    pieces = engine.stream(what, "GET", f"/containers/{name}/logs", params=query)
    found = LogLines()
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            for text in found.feed(piece):
                yield text
    for text in found.rest():
        yield text


async def _state(engine: Engine, name: str) -> dict[str, Any]:
    def ask(client: "docker.APIClient") -> dict[str, Any]:
        found: dict[str, Any] = client.inspect_container(name)["State"]
        return found

    return await engine.call("look at a build step", ask)


async def _commit(engine: Engine, layer: Layer, parent: dict[str, Any], name: str) -> Image:
    labels = {names.BUILDING: "", names.MADE: f"{time.time():.0f}", **layer.labels}
    changes = [*_as_before(parent["Config"]), *layer.changes]
    changes += [f"LABEL {_quoted(key)}={_quoted(value)}" for key, value in labels.items()]
    repository, _, tag = layer.tag.rpartition(":")

    def commit(client: Any) -> Image:
        made = client.commit(
            name, repository or None, tag or None, message=layer.title, changes=changes
        )
        facts = client.inspect_image(made["Id"])
        return Image(
            id=facts["Id"],
            reference=layer.tag or facts["Id"],
            size=int(facts.get("Size") or 0),
            labels=facts["Config"].get("Labels") or {},
        )

    return await engine.call(f"keep: {layer.title}", commit, seconds=_COMMIT_SECONDS)


def _as_before(config: Mapping[str, Any]) -> list[str]:
    """What the container was started with is not what the image starts with."""
    changes = [f"ENTRYPOINT {json.dumps(config.get('Entrypoint') or [])}"]
    changes += [f"CMD {json.dumps(config.get('Cmd') or [])}"]
    changes += [f"USER {config.get('User') or '0'}"]
    check = config.get("Healthcheck") or {}
    if check.get("Test", ["NONE"])[0] == "NONE":
        return [*changes, "HEALTHCHECK NONE"]
    return [*changes, f"HEALTHCHECK {healthcheck(check)}"]


def healthcheck(check: Mapping[str, Any]) -> str:
    """An image's health check as a Dockerfile says it."""
    options = {
        "interval": check.get("Interval"),
        "timeout": check.get("Timeout"),
        "start-period": check.get("StartPeriod"),
    }
    said = [f"--{name}={value // 1_000_000}ms" for name, value in options.items() if value]
    if check.get("Retries"):
        said.append(f"--retries={check['Retries']}")
    kind, *words = check["Test"]
    command = words[0] if kind == "CMD-SHELL" else json.dumps(words)
    return " ".join([*said, "CMD", command])


def _quoted(text: str) -> str:
    """A word of a LABEL or ENV instruction."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + plain.replace("\n", " ").replace("\r", " ") + '"'
