"""TLS from a certificate file and a key file, both PEM; read again when they change on disk."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHECK_SECONDS = 1.0
"""New connections get a renewed certificate within this time; open ones keep what they have."""
EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL's x509_vfy.h."""
NOT_YET_VALID = 9
"""X509_V_ERR_CERT_NOT_YET_VALID."""


class TlsProblem(OSError):
    """The pair cannot be used; the text names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Where certificate (with its chain) and key lie."""

    certificate: Path
    key: Path

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Changes when one of the files does.

        Raises:
            OSError: One of them cannot be looked at.
        """
        found = (path.stat() for path in (self.certificate, self.key))
        return tuple((info.st_mtime_ns, info.st_size, info.st_ino) for info in found)


def pair_of(certificate: str | None, key: str | None, folder: Path) -> Pair:
    """The pair that a launch names, below its folder.

    Raises:
        TlsProblem: Only one of the two is named.
    """
    if not certificate or not key:
        missing = "key" if certificate else "certificate"
        raise TlsProblem(f"TLS needs a certificate and a key file; the {missing} is not named")
    return Pair(folder / certificate, folder / key)


def context_of(pair: Pair) -> ssl.SSLContext:
    """A server's context of TLS 1.2 or newer.

    Raises:
        TlsProblem: A file is missing, unreadable, encrypted or no PEM, or the two do not match.
    """
    _look_at(pair.certificate, "certificate", b"-----BEGIN CERTIFICATE-----")
    _look_at(pair.key, "key", b"PRIVATE KEY-----")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(pair.certificate, pair.key, password=_ask_nobody)
    except _Encrypted:
        raise TlsProblem(
            f"the key {pair.key} is encrypted; store it without its pass phrase"
        ) from None
    except ssl.SSLError as error:
        raise TlsProblem(_words(error, pair)) from None
    return context


def warnings_about(pair: Pair, context: ssl.SSLContext) -> tuple[str, ...]:
    """What clients or operators will mind: the certificate's dates, a key that others can read."""
    found = []
    code = _own_verdict(pair, context)
    if code == EXPIRED:
        found.append(f"the certificate {pair.certificate} has expired: clients will refuse it")
    elif code == NOT_YET_VALID:
        found.append(f"the certificate {pair.certificate} is not valid yet: clients will refuse it")
    if pair.key.stat().st_mode & 0o077:
        found.append(f"the key {pair.key} can be read by other users: give it mode 0600")
    return tuple(found)


class Renewing:
    """A context for a listener, behind which the pair is replaced when its files change."""

    def __init__(self, pair: Pair, log: Callable[[str, str], None]) -> None:
        """`log` takes a level and a line.

        Raises:
            TlsProblem: The pair cannot be used.
        """
        self._pair = pair
        self._log = log
        self._stamp = self._look_at_both()
        self.context = self._newest = context_of(pair)
        # called for every handshake, also without a server name; the answer is a whole new context,
        # so that no handshake meets a certificate and a key of different ages
        self.context.sni_callback = self._choose
        self._warn()

    def keep(self, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        """Look at the files from time to time for as long as the loop runs."""
        self.look()
        call_later(CHECK_SECONDS, lambda: self.keep(call_later))

    def look(self) -> None:
        """Take over changed files; a bad new pair is reported and the last good one stays."""
        stamp = self._look_at_both()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._newest = context_of(self._pair)
        except TlsProblem as problem:
            self._log("ERROR", f"TLS files changed, the last good ones stay in use: {problem}")
            return
        self._log("INFO", f"the certificate {self._pair.certificate} was read again")
        self._warn()

    def _look_at_both(self) -> tuple[tuple[int, int, int], ...]:
        try:
            return self._pair.stamp()
        except OSError:
            return ()

    def _choose(self, connection: ssl.SSLObject, name: str, base: ssl.SSLContext) -> None:
        del name, base
        connection.context = self._newest

    def _warn(self) -> None:
        for text in warnings_about(self._pair, self._newest):
            self._log("WARNING", text)


class _Encrypted(Exception):
    """OpenSSL asked for a pass phrase."""


def _ask_nobody() -> str:
    raise _Encrypted


def _look_at(path: Path, what: str, wanted: bytes) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TlsProblem(f"the {what} {path} cannot be read: {error.strerror}") from None
    if wanted not in text:
        raise TlsProblem(f"{path} holds no {what} in PEM form")


def _words(error: ssl.SSLError, pair: Pair) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key {pair.key} does not belong to the certificate {pair.certificate}"
    why = (error.reason or str(error)).lower().replace("_", " ")
    return f"the certificate {pair.certificate} and the key {pair.key} cannot be used: {why}"


def _own_verdict(pair: Pair, context: ssl.SSLContext) -> int:
    """OpenSSL's verify code for the certificate by itself; 0 when its dates hold.

    The standard library tells nothing of a certificate of one's own: so a client in memory that
    trusts nothing but this certificate shakes hands with it.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(pair.certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(back, there, server_side=False),
        context.wrap_bio(there, back, server_side=True),
    )
    try:
        for _ in range(3):
            for end in ends:
                _step(end)
    except ssl.SSLCertVerificationError as error:
        return int(error.verify_code)
    except ssl.SSLError:
        return 0  # not about dates; a client will tell
    return 0


def _step(end: ssl.SSLObject) -> None:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return
