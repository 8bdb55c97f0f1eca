"""Clients of docker-py for one thread at a time."""

from typing import TYPE_CHECKING, Any

from backends.engines.records import EngineAddress

if TYPE_CHECKING:
    import docker


def new_client(address: EngineAddress, version: str) -> "docker.APIClient":
    """A client that speaks one version of the API; it connects with its first call.

    Args:
        address: Of scheme `unix` or `tcp`.
        version: Of the API.
    """
    import docker

    client = docker.APIClient(base_url=address.url, version=version, tls=_tls(address))
    client.trust_env = False  # neither proxies nor .netrc are meant for the engine
    if address.scheme == "unix":
        _one_connection(client, address)
    return client


def _one_connection(client: "docker.APIClient", address: EngineAddress) -> None:
    """The library keeps a connection for every path that was asked; over ssh each is a process."""
    from docker.transport import UnixHTTPAdapter

    class OneConnection(UnixHTTPAdapter):
        def get_connection(self, url: Any, proxies: Any = None) -> Any:
            del url
            return super().get_connection("http+docker://localhost", proxies)

    adapter: Any = OneConnection(f"http+{address.url}", pool_connections=1, max_pool_size=1)
    client.mount("http+docker://", adapter)


def _tls(address: EngineAddress) -> Any:
    from docker.tls import TLSConfig

    tls = address.tls
    if tls is None:
        return False
    pair = (str(tls.certificate), str(tls.key)) if tls.certificate and tls.key else None
    ca = str(tls.ca) if tls.ca else None
    return TLSConfig(client_cert=pair, ca_cert=ca, verify=tls.verify)
