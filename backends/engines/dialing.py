"""Opens the connection to an engine that an address names: a Unix socket, TCP, or TLS over TCP."""

import socket
import ssl
from urllib.parse import urlsplit

from backends.engines.records import EngineAddress, TlsFiles

CONNECT_SECONDS = 10.0


def dial(address: EngineAddress) -> socket.socket:
    """A connected socket.

    Args:
        address: Of scheme `unix` or `tcp`.

    Raises:
        OSError: it could not be made; `ssl.SSLError` when the two sides do not trust each other.
    """
    if address.scheme == "unix":
        return _unix(address.url.removeprefix("unix://"))
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    plain = socket.create_connection((host, parts.port or 0), CONNECT_SECONDS)
    try:
        _keep_alive(plain)
        return plain if address.tls is None else _secured(plain, address.tls, host)
    except BaseException:
        plain.close()
        raise


def _unix(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(CONNECT_SECONDS)
        found.connect(path)
    except BaseException:
        found.close()
        raise
    return found


def _keep_alive(sock: socket.socket) -> None:
    """A connection whose other end is gone without a word is found out within a minute."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _secured(plain: socket.socket, tls: TlsFiles, host: str) -> socket.socket:
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context.wrap_socket(plain, server_hostname=host)
