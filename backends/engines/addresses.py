"""Which engine is meant: what is said first counts, then what the Docker command line would use."""

import ipaddress
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from backends.engines import contexts as docker_contexts
from backends.engines.contexts import Context, config_dir, current_context, find_context
from backends.engines.records import EngineAddress, TlsFiles
from backends.errors import InvalidInput, Refused

SETTINGS = (
    "url",
    "address",
    "context",
    "ca",
    "certificate",
    "key",
    "verify",
    "forced",
    "ssh_config",
)
"""What a target's settings may say about its engine.

`url` (or `address`) or `context` name it; `ca`, `certificate` and `key` are PEM files; `verify`
"false" trusts any certificate; `forced` "true" allows plain HTTP to another machine; `ssh_config`
is a file.
"""
_PLAIN, _TLS = 2375, 2376
"""Registered ports of the engine's API."""


def resolve(settings: Mapping[str, str], environ: Mapping[str, str] | None = None) -> EngineAddress:
    """The engine that is meant.

    `url` of the settings, `context` of the settings, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current
    context, then the first default socket that is there: in this order.

    Raises:
        InvalidInput: the address cannot be used.
        NotFound: the context does not exist.
        Refused: it is plain HTTP to another machine and that was not forced.
    """
    environ = os.environ if environ is None else environ
    url, tls, origin = _chosen(settings, environ)
    if url.startswith("https://"):
        tls = tls or TlsFiles()
    address = EngineAddress(
        url=_normalised(url, tls),
        tls=_with_files(settings, tls),
        origin=origin,
        ssh_config=_path(settings, "ssh_config"),
    )
    return _allowed(address, forced=_true(settings.get("forced", "")))


def contexts(environ: Mapping[str, str] | None = None) -> tuple[Context, ...]:
    """The Docker contexts known on this machine, by name."""
    return docker_contexts.known_contexts(config_dir(os.environ if environ is None else environ))


def default_sockets(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Where engines of this machine listen, each with a word for it."""
    home = Path(environ.get("HOME") or Path.home())
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    yield "this machine's Docker engine", Path("/var/run/docker.sock")
    yield "the rootless Docker engine of this user", runtime / "docker.sock"
    yield "the rootless Docker engine of this user", home / ".docker/run/docker.sock"
    yield "Docker Desktop", home / ".docker/desktop/docker.sock"
    yield "Podman of this user", runtime / "podman/podman.sock"
    yield "this machine's Podman", Path("/run/podman/podman.sock")


def is_loopback(host: str) -> bool:
    """An address or name of this very machine, and of no other."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _chosen(
    settings: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[str, TlsFiles | None, str]:
    """Address, TLS files and origin."""
    if url := settings.get("url") or settings.get("address"):
        return url, None, "url of the target"
    folder = config_dir(environ)
    if name := settings.get("context"):
        return _of_context(folder, name, f"context {name} of the target", environ)
    if url := environ.get("DOCKER_HOST"):
        return url, _tls_of(environ, folder), "DOCKER_HOST"
    if name := environ.get("DOCKER_CONTEXT"):
        return _of_context(folder, name, f"DOCKER_CONTEXT={name}", environ)
    name = current_context(folder)
    return _of_context(folder, name, f"the current Docker context {name}", environ)


def _of_context(
    folder: Path, name: str, origin: str, environ: Mapping[str, str]
) -> tuple[str, TlsFiles | None, str]:
    if name in {"", docker_contexts.DEFAULT}:
        origin, socket = _default_socket(environ)
        return f"unix://{socket}", None, origin
    context = find_context(folder, name)
    return context.url, context.tls, origin


def _default_socket(environ: Mapping[str, str]) -> tuple[str, Path]:
    """One that may be used, else one that is there, else the most usual."""
    places = list(default_sockets(environ))
    there = [place for place in places if _is_socket(place[1])]
    usable = [place for place in there if os.access(place[1], os.R_OK | os.W_OK)]
    return next(iter(usable or there or places))


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


def _tls_of(environ: Mapping[str, str], folder: Path) -> TlsFiles | None:
    """What `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and `DOCKER_CERT_PATH` say."""
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    where = environ.get("DOCKER_CERT_PATH")
    found = docker_contexts.tls_from_folder(Path(where) if where else folder, verify=verify)
    return found or TlsFiles(verify=verify)


def _with_files(settings: Mapping[str, str], tls: TlsFiles | None) -> TlsFiles | None:
    """The TLS files with those that the settings name in their place."""
    named = [_path(settings, name) for name in ("ca", "certificate", "key")]
    if not any(named) and "verify" not in settings:
        return tls
    before = tls or TlsFiles()
    verify = settings.get("verify")
    return TlsFiles(
        ca=named[0] or before.ca,
        certificate=named[1] or before.certificate,
        key=named[2] or before.key,
        verify=before.verify if verify is None else _true(verify),
    )


def _path(settings: Mapping[str, str], name: str) -> Path | None:
    value = settings.get(name)
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_file():
        raise InvalidInput(
            f"The target's {name} names {path}, which is no file.", fix="Correct the path."
        )
    return path.absolute()


def _normalised(url: str, tls: TlsFiles | None) -> str:
    """The address in one of the three forms of `EngineAddress.url`."""
    text = f"unix://{url}" if url.startswith("/") else url
    parts = _split(text)
    if parts.scheme == "unix" and parts.path:
        return f"unix://{parts.netloc}{parts.path}"
    if parts.scheme in {"tcp", "http", "https"} and parts.hostname:
        port = parts.port or (_TLS if tls or parts.scheme == "https" else _PLAIN)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"tcp://{host}:{port}"
    if parts.scheme == "ssh" and parts.hostname and not parts.password:
        return text.rstrip("/")
    raise InvalidInput(
        f"'{_shown(parts, url)}' is not an engine's address that can be used.",
        fix="Give unix:///path/to/docker.sock, tcp://host:2376 or ssh://user@host.",
    )


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise InvalidInput(
            f"The engine's address is no address: {error}.",
            fix="Give unix:///path/to/docker.sock, tcp://host:2376 or ssh://user@host.",
        ) from error
    return parts


def _shown(parts: SplitResult, url: str) -> str:
    """Without a password."""
    return f"{parts.scheme}://{parts.hostname}" if parts.password else url


def _allowed(address: EngineAddress, *, forced: bool) -> EngineAddress:
    host = urlsplit(address.url).hostname or ""
    if address.scheme == "tcp" and not address.tls and not forced and not is_loopback(host):
        raise Refused(
            f"{address.url} ({address.origin}) is plain HTTP to another machine: whoever can see"
            " or reach it is root there.",
            fix="Use ssh:// or TLS (`ca`, `certificate`, `key`); `forced=true` insists on it.",
        )
    return address


def _true(value: str) -> bool:
    return value.strip().lower() in {"1", "true", "yes", "on"}
