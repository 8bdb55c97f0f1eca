"""TLS from files: what is refused before start, what is warned of, and renewal under way."""

import json
import shutil
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.scoring.conftest import ECHO
from tests.support.byhand import ByHand
from tests.support.certificates import Signed, encrypted, signed
from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]


def trusting(pair: Signed) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pair.certificate)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def start(serve: Serve, pair: Signed) -> Server:
    return serve(tls_certificate=str(pair.certificate), tls_key=str(pair.key))


def name_shown(server: Server) -> str:
    """The common name of the certificate that a new connection gets; by address, without SNI."""
    port = int(server.url.rpartition(":")[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), DEADLINE) as plain,
        context.wrap_socket(plain) as secure,
    ):
        der = secure.getpeercert(binary_form=True)
    assert der is not None
    return next(name for name in ("first", "second") if name.encode() in der)


def test_requests_come_over_tls_and_plain_ones_do_not(serve: Serve, tmp_path: Path) -> None:
    pair = signed(tmp_path, "first")
    server = start(serve, pair)
    assert server.url.startswith("https://127.0.0.1:")
    with httpx.Client(verify=trusting(pair), base_url=server.url) as client:
        assert client.post("/score", json=[1]).json() == [1]
        assert client.post("/score", content=b'"' + b"x" * 3_000_000 + b'"').status_code == 200
        assert client.get("/").text == "Healthy"
    with pytest.raises(httpx.HTTPError):
        httpx.get(server.url.replace("https", "http"))
    with httpx.Client(verify=trusting(pair), base_url=server.url) as client:
        assert client.get("/readyz").status_code == 200
    assert server.stop() == 0


def test_only_tls_1_2_and_newer_is_spoken(serve: Serve, tmp_path: Path) -> None:
    server = start(serve, signed(tmp_path, "first"))
    port = int(server.url.rpartition(":")[2])
    spoken = {}
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # the old one is named to be refused
            context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as plain:
            try:
                with context.wrap_socket(plain) as secure:
                    spoken[version] = secure.version()
            except (ssl.SSLError, ConnectionError):
                spoken[version] = None
    assert list(spoken.values()) == [None, "TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("mismatch", ["does not belong to the certificate", "second.key"]),
        ("encrypted", ["is encrypted", "locked.key"]),
        ("missing", ["cannot be read: No such file or directory", "nowhere.key"]),
        ("swapped", ["holds no certificate in PEM form", "first.key"]),
        ("alone", ["the key is not named"]),
        ("broken", ["cannot be used", "broken.pem"]),
    ],
)
def test_a_bad_pair_is_named_before_anything_starts(
    tmp_path: Path, spoil: str, words: list[str]
) -> None:
    pair = signed(tmp_path, "first")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    certificate, key = {
        "mismatch": (pair.certificate, signed(tmp_path, "second").key),
        "encrypted": (pair.certificate, encrypted(pair, tmp_path / "locked.key")),
        "missing": (pair.certificate, tmp_path / "nowhere.key"),
        "swapped": (pair.key, pair.certificate),
        "alone": (pair.certificate, None),
        "broken": (broken, pair.key),
    }[spoil]
    server = Server(
        tmp_path / "server", ECHO, tls_certificate=str(certificate), tls_key=key and str(key)
    ).start()
    try:
        assert server.process is not None
        assert server.process.wait(DEADLINE) == 3
        state = json.loads((server.folder / "state.json").read_text(encoding="utf-8"))
        assert state["state"] == "Failed"
        assert all(word in state["reason"] for word in ["TLS cannot be used", *words])
        assert server.process.stderr is not None
        assert state["reason"] in server.process.stderr.read().decode()
    finally:
        server.close()


def test_an_expired_certificate_and_an_open_key_are_warnings(serve: Serve, tmp_path: Path) -> None:
    pair = signed(tmp_path, "first", days=-2)
    pair.key.chmod(0o644)
    server = start(serve, pair)
    assert server.logged("has expired")["level"] == "WARNING"
    assert server.logged("can be read by other users")["level"] == "WARNING"
    assert name_shown(server) == "first"


def test_renewed_files_count_for_new_connections_and_cut_no_open_one(
    serve: Serve, tmp_path: Path
) -> None:
    first, second = signed(tmp_path, "first"), signed(tmp_path, "second")
    used = Signed(tmp_path / "used.pem", tmp_path / "used.key")
    shutil.copy2(first.certificate, used.certificate)
    shutil.copy2(first.key, used.key)
    server = start(serve, used)
    assert name_shown(server) == "first"
    assert not any("expired" in line["text"] for line in server.log())
    with httpx.Client(verify=trusting(first), base_url=server.url) as client:
        assert client.post("/score", json=1).json() == 1
        shutil.copy2(second.key, used.key)  # for a moment the two do not match
        assert "does not belong" in server.logged("the last good ones stay in use")["text"]
        assert name_shown(server) == "first"
        shutil.copy2(second.certificate, used.certificate)
        until(lambda: name_shown(server) == "second", "the new certificate")
        assert client.post("/score", json=2).json() == 2
        assert "connection" not in client.get("/").headers


def test_broken_handshakes_leave_nothing_behind(serve: Serve, tmp_path: Path) -> None:
    pair = signed(tmp_path, "first")
    server = start(serve, pair)
    port = int(server.url.rpartition(":")[2])
    for junk in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\0" * 500) * 20:
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
            client.sendall(junk)
    with httpx.Client(verify=trusting(pair), base_url=server.url) as client:
        assert client.post("/score", json=3).json() == 3
    silent = socket.create_connection(("127.0.0.1", port), DEADLINE)
    assert server.stop() == 0
    silent.close()
    assert server.process is not None
    assert server.process.stderr is not None
    assert server.process.stderr.read() == b""


def test_by_hand_flags_name_the_pair(tmp_path: Path) -> None:
    pair = signed(tmp_path, "first")
    (tmp_path / "score.py").write_text(ECHO, encoding="utf-8")
    server = ByHand(
        tmp_path,
        "--entry-script=score.py",
        "--tls-certificate=first.pem",
        "--tls-key=first.key",
        "--data-dir=kept",
    )
    url = server.url.replace("http:", "https:")

    def ready() -> bool:
        try:
            return httpx.get(url, verify=trusting(pair)).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(ready, "a ready server")
        assert httpx.post(f"{url}/score", json=[5], verify=trusting(pair)).json() == [5]
        server.process.terminate()
        assert server.exit_code() == 0
        assert len(list((tmp_path / "kept").rglob("inputs.csv"))) == 1
    finally:
        server.close()


def test_by_hand_one_file_without_the_other_is_refused(tmp_path: Path) -> None:
    server = ByHand(tmp_path, "--tls-key=x.key")
    assert server.exit_code() == 3
    assert "the certificate is not named" in server.output()
