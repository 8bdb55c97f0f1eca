"""The keys of a service: a file in the container's volume that only the server's user may read."""

import json

from backends.engines.engine import Engine
from backends.targets.drivers.docker import files, inside
from backends.targets.drivers.docker.finding import Container, identity
from backends.targets.drivers.docker.shape import CONTROL
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.records import Keys

_NEW = f"{files.KEYS_FILE}.new"
_MODE = 0o400


def key_file(keys: Keys, name: str = files.KEYS_FILE) -> files.File:
    """The file as the server reads it."""
    text = json.dumps({"primary": keys.primary, "secondary": keys.secondary})
    return files.File(name=name, mode=_MODE, data=text.encode())


async def put_keys(engine: Engine, container: Container, keys: Keys) -> None:
    """Replace the keys; a server that runs reads the old ones or the new, never half a file.

    Raises:
        PilothouseError: the engine could not.
    """
    target = identity(container)
    if not serving_at_all(container):
        await files.put(engine, target, key_file(keys))
        return
    await files.put(engine, target, key_file(keys, _NEW))
    move = [CONTROL, "move", _NEW, files.KEYS_FILE]
    await inside.run(engine, target, move, "change the keys")


async def get_keys(engine: Engine, container: Container) -> Keys | None:
    """The keys; None when there are none.

    Raises:
        PilothouseError: the engine could not be asked, or the file is damaged.
    """
    data = await files.get_json(engine, identity(container), files.KEYS_FILE)
    if data is None:
        return None
    return Keys(str(data.get("primary") or ""), str(data.get("secondary") or ""))
