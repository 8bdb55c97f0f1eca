"""How a published port is called from here: directly, or through a tunnel."""

import contextlib
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from backends.engines.addresses import is_loopback
from backends.engines.engine import Engine
from backends.engines.records import EngineAddress
from backends.errors import Unavailable
from backends.targets.drivers.docker.shape import Place
from backends.targets.records import Endpoint

_LOOPBACK = "127.0.0.1"
_EVERY = frozenset({"", "0.0.0.0", "::"})
"""Addresses that stand for all of a machine's."""


def direct_url(address: EngineAddress, place: Place) -> str | None:
    """Base address of what an engine publishes there; None where it cannot be called from here."""
    there = urlsplit(address.url).hostname if address.scheme == "tcp" else _LOOPBACK
    if address.scheme == "ssh" or there is None:
        return None
    if place.host in _EVERY:
        return _url(there, place.port)
    if is_loopback(place.host) and not is_loopback(there):
        return None
    return _url(place.host, place.port)


@contextlib.asynccontextmanager
async def reach(engine: Engine, name: str, place: Place) -> AsyncGenerator[Endpoint, None]:
    """A way to call what an engine publishes, open as long as the context is.

    Raises:
        Unavailable: it listens on the far machine's own address only, and there is no tunnel.
    """
    if engine.address.scheme == "ssh":
        there = _LOOPBACK if place.host in _EVERY else place.host
        async with engine.tunnel(there, place.port) as port:
            yield Endpoint(url=_url(_LOOPBACK, port))
        return
    url = direct_url(engine.address, place)
    if url is None:
        raise Unavailable(
            f"Service {name} answers on {place.host}:{place.port} of the engine's machine only,"
            " which cannot be called from here.",
            fix="Reach the engine by ssh://, which carries calls too.",
        )
    yield Endpoint(url=url)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
