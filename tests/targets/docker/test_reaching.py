"""Whether a published port can be called from here, and where."""

import pytest

from backends.engines.records import EngineAddress
from backends.targets.drivers.docker.reaching import direct_url
from backends.targets.drivers.docker.shape import Place

NEAR, LOCAL, FAR = "unix:///x.sock", "tcp://localhost:2375", "tcp://far.example:2376"
SIX, BEHIND = "tcp://[fd00::9]:2376", "ssh://far.example"


@pytest.mark.parametrize(
    ("engine", "published", "url"),
    [
        (NEAR, "127.0.0.1", "http://127.0.0.1:80"),
        (NEAR, "0.0.0.0", "http://127.0.0.1:80"),
        (NEAR, "", "http://127.0.0.1:80"),
        (NEAR, "192.168.7.7", "http://192.168.7.7:80"),
        (NEAR, "::1", "http://[::1]:80"),
        (LOCAL, "127.0.0.1", "http://127.0.0.1:80"),
        (LOCAL, "0.0.0.0", "http://localhost:80"),
        (FAR, "127.0.0.1", None),
        (FAR, "0.0.0.0", "http://far.example:80"),
        (FAR, "10.0.0.7", "http://10.0.0.7:80"),
        (SIX, "::", "http://[fd00::9]:80"),
        (BEHIND, "0.0.0.0", None),
    ],
)
def test_where_a_port_is_called(engine: str, published: str, url: str | None) -> None:
    address = EngineAddress(url=engine, origin="a test")
    assert direct_url(address, Place(host=published, port=80)) == url
