"""The engine's and the connection's errors in our words: one table for answers, one for roads."""

import errno
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

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


class EngineCut(Unavailable):
    """A stream ended before its end: the connection broke or was silent for too long."""


class Answered(Exception):
    """The engine answered a raw request with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class _Row:
    """Answers whose text matches."""

    pattern: str
    error: type[PilothouseError]
    fix: str


_TEXTS = (
    _Row(
        r"client version \S+ is too (new|old)",
        Unsupported,
        "Use an engine of Docker 20.10 or newer.",
    ),
    _Row(
        r"HTTP request to an HTTPS server",
        Unavailable,
        "It wants TLS: name `ca`, `certificate` and `key`, or a context that holds them.",
    ),
    _Row(r"Range of CPUs is from", Unschedulable, "Ask for fewer cores."),
    _Row(r"Minimum memory limit allowed", InvalidInput, "Ask for more memory."),
    _Row(
        r"could not select device driver",
        Unschedulable,
        "Install the NVIDIA container toolkit there, or ask for no `gpu`.",
    ),
    _Row(
        r"port is already allocated|address already in use",
        Conflict,
        "Name another `port` in the deployment config, or leave it out for a free one.",
    ),
    _Row(r"no space left on device", Unschedulable, "Free disk space where the engine runs."),
    _Row(
        r"executable file not found|exec format error",
        InvalidInput,
        "The image does not hold that program for this architecture: build it again.",
    ),
    _Row(r"bind source path does not exist", InvalidInput, "Make the folder on the engine's side."),
    _Row(
        r"pull access denied|unauthorized|authentication required|denied:",
        Unauthorized,
        "Give address, user and password of the registry, or `docker login` to it.",
    ),
    _Row(
        r"No such image|manifest unknown|not found: manifest|repository .* not found",
        NotFound,
        "Deploy it again, which builds the image anew.",
    ),
    _Row(r"marked for removal|removal of container \S+ is already", NotFound, "It is gone."),
    _Row(
        r"(dial tcp|lookup) .*(no such host|connection refused|i/o timeout)",
        Unavailable,
        "The engine cannot reach that registry: look at its network and proxy.",
    ),
)

_STATUSES: dict[int, tuple[type[PilothouseError], str]] = {
    400: (InvalidInput, "Correct what was asked for."),
    401: (Unauthorized, "Give credentials that the engine takes."),
    403: (Unauthorized, "Ask whoever runs the engine for the right to do this."),
    404: (NotFound, "Look at what is there with `docker ps --all` on the engine."),
    409: (Conflict, "Wait for the other operation, or remove what is in the way."),
    413: (InvalidInput, "Send less."),
    501: (Unsupported, "Use an engine that can."),
}
_SERVER_FIX = "Look at the engine's own log (`journalctl -u docker`), then try again."

_BROKEN_FIX = "Try again; if it stays so, look at the engine and the network."
_BROKEN_TLS_FIX = (
    "If the engine wants a client certificate, name one that its CA signed (`certificate`, `key`)."
)

_SOCKET: dict[int, tuple[type[PilothouseError], str, str]] = {
    errno.ENOENT: (
        Unavailable,
        "there is no socket at {place}",
        "Start the engine, or name another with `url` or `context`.",
    ),
    errno.EACCES: (
        Unauthorized,
        "this user may not use {place}",
        "Join the group `docker` (which equals root), or use a rootless engine's socket.",
    ),
    errno.ECONNREFUSED: (
        Unavailable,
        "nothing answers at {place}: the engine is stopped",
        "Start it (`systemctl start docker`).",
    ),
    errno.ETIMEDOUT: (Unavailable, "{place} does not answer", "Look at the network and firewall."),
    errno.EHOSTUNREACH: (Unavailable, "there is no way to {place}", "Look at the network."),
    errno.ENETUNREACH: (Unavailable, "there is no way to {place}", "Look at the network."),
}
_SOCKET[errno.EPERM] = _SOCKET[errno.EACCES]
_SOCKET[errno.ENOTSOCK] = _SOCKET[errno.ENOENT]


def answered(what: str, status: int, text: str) -> PilothouseError:
    """The engine's own refusal; `what` completes "Docker could not …"."""
    said = " ".join(text.split()).rstrip(".") or f"HTTP status {status}, without a reason"
    sentence = f"Docker could not {what}: {said}."
    for row in _TEXTS:
        if re.search(row.pattern, text, re.IGNORECASE):
            return row.error(sentence, fix=row.fix)
    error, fix = _STATUSES.get(status, (Unavailable, _SERVER_FIX))
    return error(sentence, fix=fix)


def unreachable(
    what: str, error: BaseException, address: EngineAddress, ssh: PilothouseError | None
) -> PilothouseError:
    """Why no answer came: ssh's own reason, TLS, the socket, or a broken connection."""
    if ssh is not None:
        return ssh
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls(what, cause, address)
        if isinstance(cause, TimeoutError) or "timed out" in str(cause):
            return Unavailable(
                f"Docker could not {what}: {address.url} did not answer in time.",
                fix="The engine may be busy: try again.",
            )
        if isinstance(cause, OSError) and cause.errno in _SOCKET:
            kind, text, fix = _SOCKET[cause.errno]
            why = text.format(place=_place(address))
            return kind(f"Docker could not {what}: {why} ({address.origin}).", fix=fix)
    return Unavailable(
        f"Docker could not {what}: the connection to {address.url} broke ({_last(error)}).",
        fix=_BROKEN_TLS_FIX if address.tls is not None else _BROKEN_FIX,
    )


def failure(
    what: str, error: BaseException, address: EngineAddress, ssh: PilothouseError | None
) -> PilothouseError | None:
    """Our error for one that a call raised; None for a bug, which is nobody's answer."""
    import http.client

    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    if isinstance(error, PilothouseError):
        return error
    if isinstance(error, Answered):
        return answered(what, error.status, error.text)
    if isinstance(error, docker.errors.APIError) and error.response is not None:
        text = str(error.explanation or error.response.text or "")
        return answered(what, error.response.status_code, text)
    connection = (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
    )
    if isinstance(error, connection):
        return unreachable(what, error, address, ssh)
    if isinstance(error, docker.errors.DockerException):
        return InvalidInput(
            f"Docker could not {what}: {error}.", fix="Correct the target's settings."
        )
    return None


def cut(
    what: str, error: BaseException, address: EngineAddress, ssh: PilothouseError | None
) -> EngineCut:
    """A stream that broke, as an error of its own kind."""
    why = unreachable(what, error, address, ssh)
    return EngineCut(why.what, fix=why.fix, detail=why.detail)


def _tls(what: str, error: ssl.SSLError, address: EngineAddress) -> PilothouseError:
    text = getattr(error, "verify_message", "") or error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        fix = "Name the `ca` that signed the engine's certificate, and the host name it is made to."
    elif "CERTIFICATE_REQUIRED" in text or "BAD_CERTIFICATE" in text or "UNKNOWN_CA" in text:
        fix = "The engine wants a client certificate that its CA signed: `certificate` and `key`."
    elif "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        fix = "That port speaks plain HTTP: leave out the TLS files, or name the TLS port."
    else:
        fix = "Look at the certificate files of the target or context."
    return Unauthorized(
        f"Docker could not {what}: TLS with {address.url} failed ({_plain(text)}).", fix=fix
    )


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def _place(address: EngineAddress) -> str:
    return address.url.removeprefix("unix://").removeprefix("tcp://")


def _last(error: BaseException) -> str:
    """The deepest reason with words."""
    *_, last = (cause for cause in _causes(error))
    return str(last) or type(last).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, as the libraries wrap it: by cause, context and arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
        waiting += [item for item in inner if isinstance(item, BaseException)]
