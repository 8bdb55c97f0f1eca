"""Dockerfile instructions carried out one after the other, RUN in containers of our own.

So a RUN is given indexes, proxies and authorities that the image never holds, its output comes
line by line, and it ends when it is no longer wanted. What runs nothing goes to the engine's
builder, in groups.
"""

import contextlib
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from backends.engines.engine import Engine
from backends.errors import BuildFailed, InvalidInput
from backends.images.containers import names
from backends.images.containers.builder import build_dockerfile
from backends.images.containers.dockerfile import Instruction, substituted
from backends.images.containers.failures import telling_line
from backends.images.containers.inputs import Inputs, program
from backends.images.containers.layers import Layer, StepFailed, make_layer
from backends.images.containers.records import Image
from backends.images.containers.store import find_layer
from backends.images.containers.workroom import Workroom
from backends.images.venv import BuildLine

Base = Callable[[str], AsyncGenerator[BuildLine | str, None]]
"""Gives an image that FROM names, pulled when it has to be."""


@dataclass(slots=True)
class Stages:
    """How far a Dockerfile has come."""

    image: str = ""
    """What the present stage has made."""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    arguments: dict[str, str] = field(default_factory=dict)
    everywhere: dict[str, str] = field(default_factory=dict)
    """ARG before the first FROM."""
    finished: dict[str, str] = field(default_factory=dict)
    """Stage name or number -> image."""
    names: tuple[str, ...] = ()
    """Of the present stage."""
    count: int = 0

    def made(self, image: str) -> None:
        """The present stage goes on from `image`."""
        self.image = image
        self.finished |= dict.fromkeys(self.names, image)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRunner:
    """Carries instructions out on one engine."""

    engine: Engine
    room: Workroom
    inputs: Inputs
    context: Path | None
    what: str
    """What a person calls the text that the instructions are from."""
    base: Base | None = None
    """None: FROM is not allowed."""

    async def run(
        self, instructions: Sequence[Instruction], parent: str = ""
    ) -> AsyncGenerator[BuildLine | str, None]:
        """All of them; ends with the id of the image.

        Raises:
            BuildFailed: one failed; the sentence names it, its line and what it said.
        """
        stages = Stages(image=parent)
        for kind, group in groupby(instructions, key=lambda each: each.word):
            del kind
            async with contextlib.aclosing(self._some(stages, list(group))) as lines:
                async for line in lines:
                    yield line
        if not stages.image:
            raise InvalidInput(f"{self.what} has no FROM.", fix="Begin it with FROM IMAGE.")
        yield stages.image

    async def _some(
        self, stages: Stages, group: list[Instruction]
    ) -> AsyncGenerator[BuildLine, None]:
        for part in _parts(group):
            first = part[0]
            if first.word == "FROM":
                work = self._from(stages, first)
            elif first.word == "RUN":
                work = self._run(stages, first)
            elif first.word in {"ARG", "SHELL"}:
                _remember(stages, first, self.what)
                continue
            else:
                work = self._others(stages, part)
            async with contextlib.aclosing(work) as lines:
                async for line in lines:
                    yield line

    async def _from(self, stages: Stages, said: Instruction) -> AsyncGenerator[BuildLine, None]:
        if self.base is None:
            raise InvalidInput(
                f"Line {said.line} of {self.what} is a FROM, but they follow the environment.",
                fix="Take it out; name another base with `baseImage` or `baseDockerfile`.",
            )
        words = [word for word in said.text.split() if not word.startswith("--")]
        reference = substituted(words[0], stages.everywhere) if words else ""
        known = stages.finished.get(reference.lower())
        stages.image = known or ""
        if not known:
            async with contextlib.aclosing(self.base(reference)) as found:
                async for item in found:
                    if isinstance(item, str):
                        stages.image = item
                    else:
                        yield item
        stages.arguments, stages.shell = {}, ("/bin/sh", "-c")
        name = words[2].lower() if len(words) == 3 and words[1].upper() == "AS" else ""
        stages.names = (str(stages.count), name) if name else (str(stages.count),)
        stages.count += 1
        stages.made(stages.image)

    async def _run(self, stages: Stages, said: Instruction) -> AsyncGenerator[BuildLine, None]:
        yield BuildLine(str(said))
        command = said.words or [*stages.shell, said.text]
        identity = [stages.image, stages.arguments, command]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        if known := await find_layer(self.engine, key):
            yield BuildLine("  made before")
            stages.made(known)
            return
        given = [f"{name}={value}" for name, value in stages.arguments.items()]
        layer = Layer(
            parent=stages.image,
            title=f"{said} (line {said.line} of {self.what})",
            command=program("run", *given, "--", *command),
            volumes=self.room.volumes,
            network=self.inputs.network,
            labels={names.IMAGE: names.STEP, names.LAYER: key},
        )
        try:
            async with contextlib.aclosing(make_layer(self.engine, layer)) as items:
                async for item in items:
                    if isinstance(item, Image):
                        stages.made(item.id)
                    else:
                        yield item
        except StepFailed as error:
            raise BuildFailed(
                f"{layer.title} ended with exit code {error.code}: {telling_line(error.output)}",
                fix="Correct that line, or what it needs on the engine's network.",
                detail=error.detail,
            ) from error

    async def _others(
        self, stages: Stages, part: list[Instruction]
    ) -> AsyncGenerator[BuildLine, None]:
        arguments = [f"ARG {name}={json.dumps(text)}" for name, text in stages.arguments.items()]
        lines = [_from_stage(said, stages) for said in part]
        text = "\n".join([f"FROM {stages.image}", *arguments, *lines]) + "\n"
        copies = any(said.word in {"COPY", "ADD"} for said in part)
        built = build_dockerfile(
            self.engine,
            text,
            context=self.context if copies else None,
            labels={names.IMAGE: names.STEP, names.LAYER: "", names.BUILDING: ""},
        )
        async with contextlib.aclosing(built) as items:
            async for item in items:
                if isinstance(item, Image):
                    stages.made(item.id)
                elif not item.text.partition(" : ")[2].startswith(("FROM", "LABEL", "ARG")):
                    yield BuildLine(item.text.partition(" : ")[2] or item.text)


def _parts(group: list[Instruction]) -> Iterator[list[Instruction]]:
    """RUN, FROM, ARG and SHELL one by one; others of a kind together."""
    if group[0].word in {"RUN", "FROM", "ARG", "SHELL"}:
        yield from ([said] for said in group)
    else:
        yield group


def _remember(stages: Stages, said: Instruction, what: str) -> None:
    if said.word == "SHELL":
        if not said.words:
            raise InvalidInput(
                f"Line {said.line} of {what}: SHELL needs a JSON list.",
                fix='Write it as SHELL ["/bin/bash", "-c"].',
            )
        stages.shell = tuple(said.words)
        return
    for word in said.text.split():
        name, said_default, default = word.partition("=")
        value = substituted(default.strip("\"'"), {**stages.everywhere, **stages.arguments})
        if not stages.count and not stages.image:
            stages.everywhere[name] = value
        else:
            known = value if said_default else stages.everywhere.get(name, "")
            stages.arguments[name] = known


def _from_stage(said: Instruction, stages: Stages) -> str:
    """`COPY --from=stage` with the stage's image."""
    words = said.text.split(" ")
    for index, word in enumerate(words):
        name = word.removeprefix("--from=").lower()
        if said.word == "COPY" and word.startswith("--from=") and name in stages.finished:
            words[index] = f"--from={stages.finished[name]}"
    return f"{said.word} {' '.join(words)}"
