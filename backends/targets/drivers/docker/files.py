"""Files in a container's volume: put and got as archives, also while the container is stopped."""

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.errors import IntegrityError, NotFound

if TYPE_CHECKING:
    import docker

STATE = "/var/pilothouse"
"""Where the volume is mounted."""
RUN = "run"
"""Folder in it that belongs to the server's user."""
LAUNCH_FILE = "launch.json"
START_FILE = f"{RUN}/start.json"
"""What the launch file leads to: the server puts the revision there that took over last."""
SPEC_FILE = f"{RUN}/spec.json"
"""The spec that was applied last, where that is not the one the container was made for."""
ROUTES_FILE = f"{RUN}/router.json"
LISTENING_FILE = f"{RUN}/listening"
"""When the router began to take clients."""
REVISIONS = "revisions"
"""Folder of revisions that were put into a container that ran."""
KEYS_FILE = f"{RUN}/keys.json"
STATE_FILE, CONTROL_SOCKET = f"{RUN}/state.json", f"{RUN}/control.sock"
DATA_FOLDER = f"{RUN}/modeldata"
"""Collected inputs and predictions."""
USER_ID = 10001
"""User and group of the server, as its image is made for."""
_LONGEST = 4 << 20
_TREE_SECONDS = 3600.0
"""Longest time in which a model is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file, or a folder, for the volume."""

    name: str
    mode: int
    data: bytes | None = None
    """None is a folder."""
    link: str = ""
    """Makes it a symbolic link to this name beside it."""


async def put(engine: Engine, container: str, *files: File, folder: str = STATE) -> None:
    """Put files into a container.

    Raises:
        PilothouseError: the engine refused or could not be reached.
    """
    archive = _tar(files)
    what = f"put {', '.join(file.name for file in files)} into the container {container[:12]}"
    await engine.call(what, lambda client: client.put_archive(container, folder, archive))


async def put_tree(
    engine: Engine, container: str, tree: Path, name: str, *after: File, folder: str = STATE
) -> None:
    """Put a folder of this machine into a container under `name`, and files after it.

    Raises:
        PilothouseError: the engine refused or could not be reached.
    """

    def send(client: "docker.APIClient") -> None:
        with tempfile.TemporaryFile() as spool:
            with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
                above = reversed(PurePosixPath(name).parents[:-1])
                _add(archive, tuple(File(name=f"{path}/", mode=0o700) for path in above))
                archive.add(tree, name, filter=_as_servers)
                _add(archive, after)
            spool.seek(0)
            client.put_archive(container, folder, spool)

    what = f"put {tree.name} into the container {container[:12]}"
    await engine.call(what, send, seconds=_TREE_SECONDS)


async def get(engine: Engine, container: str, name: str) -> bytes | None:
    """The content of a file of the volume; None when it is not there.

    Raises:
        PilothouseError: the engine could not be reached.
    """

    def ask(client: "docker.APIClient") -> bytes:
        pieces, _ = client.get_archive(container, f"{STATE}/{name}")
        data = bytearray()
        for piece in pieces:
            data += piece
            if len(data) > _LONGEST:
                break
        return bytes(data)

    try:
        archive = await engine.call(f"read {name} of the container {container[:12]}", ask)
    except NotFound:
        return None
    return _content(archive)


async def get_json(engine: Engine, container: str, name: str) -> Mapping[str, Any] | None:
    """The JSON object in a file of the volume; None when there is none.

    Raises:
        PilothouseError: the engine could not be reached, or the file holds something else.
    """
    text = await get(engine, container, name)
    if text is None:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise IntegrityError(
            f"{name} of the container {container[:12]} is damaged.", fix="Deploy the service again."
        )
    return data


def _tar(files: tuple[File, ...]) -> bytes:
    buffer = io.BytesIO()
    # The server notices new keys by their time, so it is written in full: a PAX header does.
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, files)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, files: tuple[File, ...]) -> None:
    for file in files:
        info = tarfile.TarInfo(file.name)
        info.uid = info.gid = USER_ID
        info.mode = file.mode
        info.mtime = time.time()
        if file.link:
            info.type, info.linkname = tarfile.SYMTYPE, file.link
            archive.addfile(info)
        elif file.data is None:
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        else:
            info.size = len(file.data)
            archive.addfile(info, io.BytesIO(file.data))


def _as_servers(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """The server's user may read all of it, whoever owns it here."""
    info.uid = info.gid = USER_ID
    info.uname = info.gname = ""
    info.mode |= 0o500 if info.isdir() else 0o400
    return info


def _content(archive: bytes) -> bytes | None:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            member = next(iter(members), None)
            file = members.extractfile(member) if member is not None and member.isreg() else None
            return file.read(_LONGEST) if file is not None else None
    except tarfile.TarError:
        return None
