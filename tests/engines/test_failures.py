"""Each way in which an engine cannot be reached, or refuses, has its own sentence and fix."""

import errno
import os

import pytest

from backends.engines.failures import answered, unreachable
from backends.engines.records import EngineAddress
from backends.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PilothouseError,
    Unauthorized,
    Unavailable,
    Unschedulable,
    Unsupported,
)

NEAR = EngineAddress(url="unix:///run/x.sock", origin="a test")
FAR = EngineAddress(url="tcp://far.example:2376", origin="a test")

ROADS = [
    (NEAR, errno.ENOENT, Unavailable, "there is no socket at /run/x.sock", "Start the engine"),
    (NEAR, errno.EACCES, Unauthorized, "this user may not use /run/x.sock", "group `docker`"),
    (NEAR, errno.EPERM, Unauthorized, "this user may not use /run/x.sock", "rootless"),
    (NEAR, errno.ECONNREFUSED, Unavailable, "the engine is stopped", "systemctl start docker"),
    (FAR, errno.ETIMEDOUT, Unavailable, "did not answer in time", "try again"),
    (FAR, errno.EHOSTUNREACH, Unavailable, "no way to far.example:2376", "network"),
]


@pytest.mark.parametrize(("address", "number", "kind", "words", "fix"), ROADS)
def test_a_broken_road(
    address: EngineAddress, number: int, kind: type[PilothouseError], words: str, fix: str
) -> None:
    error = OSError(number, os.strerror(number))
    for raised in (error, wrapped(error)):
        found = unreachable("list containers", raised, address, None)
        assert isinstance(found, kind)
        assert words in found.what
        assert fix in found.fix


def wrapped(error: Exception) -> Exception:
    """As libraries do: the reason is an argument of an argument, or the cause of a cause."""
    outer = RuntimeError("outer", RuntimeError("middle", error))
    outer.__cause__ = ValueError("something else")
    return outer


def test_what_ssh_said_goes_first() -> None:
    said = Unauthorized("ssh to h failed: no.", fix="Add the key.")
    assert unreachable("list", ConnectionResetError(), NEAR, said) is said


ANSWERS = [
    (400, "client version 1.99 is too new. Maximum supported API version is 1.41", Unsupported),
    (400, "client version 1.12 is too old. Minimum supported API version is 1.44", Unsupported),
    (400, "Client sent an HTTP request to an HTTPS server.", Unavailable),
    (400, "invalid reference format", InvalidInput),
    (403, "authorization denied by plugin", Unauthorized),
    (404, "pull access denied for x, repository does not exist", Unauthorized),
    (404, "No such container: x", NotFound),
    (404, "manifest unknown: manifest unknown", NotFound),
    (409, "Conflict. The container name is already in use", Conflict),
    (409, "can not get logs from container which is dead or marked for removal", NotFound),
    (500, "Bind for 127.0.0.1:80 failed: port is already allocated", Conflict),
    (500, 'could not select device driver "" with capabilities: [[gpu]]', Unschedulable),
    (500, "write /var/lib/docker/x: no space left on device", Unschedulable),
    (500, 'Get "https://r/v2/": dial tcp: lookup r: no such host', Unavailable),
    (500, "something that nobody has seen", Unavailable),
    (501, "configured logging driver does not support reading", Unsupported),
    (503, "", Unavailable),
]


@pytest.mark.parametrize(("status", "text", "kind"), ANSWERS)
def test_a_refusal(status: int, text: str, kind: type[PilothouseError]) -> None:
    found = answered("do it", status, text)
    assert type(found) is kind
    assert found.fix
    assert found.what.startswith("Docker could not do it: ")
    assert text.rstrip(".") in found.what
