"""Clients of docker-py for one thread at a time, over connections of our own making."""

import os
from typing import TYPE_CHECKING, Any

from backends.engines.contexts import config_dir
from backends.engines.dialing import dial
from backends.engines.records import EngineAddress
from backends.errors import InvalidInput

if TYPE_CHECKING:
    import docker

_BASE = "http+docker://localhost"


def new_client(address: EngineAddress, version: str) -> "docker.APIClient":
    """A client that speaks one version of the API; it connects with its first call.

    The library's own transports keep a connection for every path that was asked, and one over ssh
    is a process: here each client has one connection for all.

    Args:
        address: Of scheme `unix` or `tcp`.
        version: Of the API.

    Raises:
        InvalidInput: the settings of the Docker command line, which the library reads, are damaged.
    """
    import docker
    import docker.errors

    try:
        client = docker.APIClient(base_url="unix:///", version=version)
    except (docker.errors.DockerException, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(
            f"Docker's own settings ({config_dir(os.environ)}/config.json) are damaged: {error}.",
            fix="Correct that file, or name another folder with DOCKER_CONFIG.",
        ) from error
    client.base_url = _BASE
    client.trust_env = False  # neither proxies nor .netrc are meant for the engine
    client.mount("http+docker://", _adapter(address))
    return client


def _adapter(address: EngineAddress) -> Any:
    import urllib3
    from docker.transport.basehttpadapter import BaseHTTPAdapter

    class Connection(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            self.sock = dial(address)
            patience: Any = self.timeout
            self.sock.settimeout(patience)

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class Adapter(BaseHTTPAdapter):
        """What `requests` asks for connections."""

        def __init__(self) -> None:
            super().__init__()
            self.only = Pool("localhost", maxsize=1, block=True)

        def get_connection(self, url: Any, proxies: Any = None) -> Any:
            del url, proxies
            return self.only

        def request_url(self, request: Any, proxies: Any) -> str:
            del proxies
            return str(request.path_url)

        def close(self) -> None:
            self.only.close()

    return Adapter()
