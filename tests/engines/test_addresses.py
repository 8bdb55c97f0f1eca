"""Which engine is meant: settings, then the environment, then contexts, then default sockets."""

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from backends.engines.addresses import contexts, default_sockets, resolve
from backends.errors import InvalidInput, NotFound, PilothouseError, Refused

Environ = dict[str, str]


def add_context(environ: Environ, name: str, host: str, **endpoint: Any) -> Path:
    """A context as `docker context create` leaves it; the folder for its PEM files."""
    folder = Path(environ["HOME"]) / ".docker" / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "meta" / key
    meta.mkdir(parents=True)
    described = {
        "Name": name,
        "Metadata": {"Description": f"the {name}"},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False, **endpoint}},
    }
    (meta / "meta.json").write_text(json.dumps(described))
    tls = folder / "tls" / key / "docker"
    tls.mkdir(parents=True)
    return tls


def choose_context(environ: Environ, name: str) -> None:
    folder = Path(environ["HOME"]) / ".docker"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"currentContext": name, "auths": {}}))


def listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    return found


def test_what_is_said_first_counts(environ: Environ) -> None:
    add_context(environ, "current", "unix:///current.sock")
    add_context(environ, "named", "unix:///named.sock")
    add_context(environ, "target", "unix:///target.sock")
    choose_context(environ, "current")
    every = {**environ, "DOCKER_HOST": "unix:///host.sock", "DOCKER_CONTEXT": "named"}
    asked = {"url": "unix:///url.sock", "context": "target"}
    order = []
    for settings, env in (
        (asked, every),
        ({"context": "target"}, every),
        ({}, every),
        ({}, {**environ, "DOCKER_CONTEXT": "named"}),
        ({}, environ),
    ):
        found = resolve(settings, env)
        assert found.origin
        order.append(found.url)
    assert order == [
        f"unix:///{name}.sock" for name in ("url", "target", "host", "named", "current")
    ]


def test_the_default_context_is_the_default_socket(environ: Environ) -> None:
    choose_context(environ, "default")
    assert resolve({}, environ).url in {f"unix://{p}" for _, p in default_sockets(environ)}


def test_rootless_and_podman_sockets_are_known(environ: Environ) -> None:
    known = {str(path) for _, path in default_sockets(environ)}
    runtime = environ["XDG_RUNTIME_DIR"]
    assert {
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        f"{runtime}/podman/podman.sock",
        "/run/podman/podman.sock",
    } <= known


def test_a_rootless_engine_is_found_where_there_is_no_other(
    environ: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [(word, path) for word, path in default_sockets(environ) if "rootless" in word]
    monkeypatch.setattr("backends.engines.addresses.default_sockets", lambda _: iter(places))
    with listen(Path(environ["XDG_RUNTIME_DIR"]) / "docker.sock"):
        found = resolve({}, environ)
    assert found.url == f"unix://{environ['XDG_RUNTIME_DIR']}/docker.sock"
    assert "rootless" in found.origin


def test_a_context_brings_its_certificates(environ: Environ) -> None:
    folder = add_context(environ, "far", "tcp://far.example:2376")
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("PEM")
    found = resolve({"context": "far"}, environ)
    assert found.tls is not None
    assert (found.tls.ca, found.tls.key) == (folder / "ca.pem", folder / "key.pem")
    assert found.tls.verify


def test_a_context_that_skips_verification_says_so(environ: Environ) -> None:
    add_context(environ, "far", "tcp://far.example:2376", SkipTLSVerify=True)
    found = resolve({"context": "far"}, environ)
    assert found.tls is not None
    assert not found.tls.verify


def test_contexts_are_listed_by_name_and_damaged_ones_left_out(environ: Environ) -> None:
    add_context(environ, "two", "unix:///2.sock")
    add_context(environ, "one", "unix:///1.sock")
    broken = add_context(environ, "broken", "unix:///3.sock")
    (broken.parents[2] / "meta" / broken.parent.name / "meta.json").write_text("{")
    assert [context.name for context in contexts(environ)] == ["one", "two"]
    assert contexts(environ)[0].description == "the one"
    with pytest.raises(InvalidInput):
        resolve({"context": "broken"}, environ)


def test_an_unknown_context_is_named_beside_the_known(environ: Environ) -> None:
    add_context(environ, "one", "unix:///1.sock")
    with pytest.raises(NotFound, match=r"no Docker context 'nine'.*there is: one"):
        resolve({}, {**environ, "DOCKER_CONTEXT": "nine"})


def test_damaged_settings_of_docker_are_named(environ: Environ) -> None:
    choose_context(environ, "x")
    (Path(environ["HOME"]) / ".docker" / "config.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"config\.json"):
        resolve({}, environ)
    assert resolve({"url": "unix:///x.sock"}, environ).url == "unix:///x.sock"


def test_docker_host_may_want_tls(environ: Environ, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    said = {"DOCKER_HOST": "tcp://far.example", "DOCKER_TLS_VERIFY": "1"}
    found = resolve({}, {**environ, **said, "DOCKER_CERT_PATH": str(tmp_path)})
    assert found.url == "tcp://far.example:2376"
    assert found.tls is not None
    assert found.tls.ca == tmp_path / "ca.pem"


@pytest.mark.parametrize("host", ["far.example", "10.0.0.9", "0.0.0.0", "[fe80::1]"])
def test_plain_http_to_another_machine_is_refused_unless_forced(
    environ: Environ, host: str
) -> None:
    with pytest.raises(Refused, match="plain HTTP"):
        resolve({"url": f"tcp://{host}:2375"}, environ)
    with pytest.raises(Refused, match="DOCKER_HOST"):
        resolve({}, {**environ, "DOCKER_HOST": f"tcp://{host}:2375"})
    forced = resolve({"url": f"tcp://{host}:2375", "forced": "true"}, environ)
    assert forced.url == f"tcp://{host}:2375"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"])
def test_plain_http_to_this_machine_is_fine(environ: Environ, host: str) -> None:
    assert resolve({"url": f"tcp://{host}"}, environ).url == f"tcp://{host}:2375"


@pytest.mark.parametrize(
    "url",
    [
        "npipe:////./pipe/docker_engine",
        "fd://",
        "ftp://x",
        "unix://",
        "tcp://",
        "tcp://host:port",
        "tcp://[::1",
        "ssh://",
        "nonsense",
        "ssh://user:secret@host",
    ],
)
def test_an_address_that_cannot_be_used_is_named(environ: Environ, url: str) -> None:
    with pytest.raises(PilothouseError) as caught:
        resolve({"url": url}, environ)
    assert caught.value.fix
    assert "secret" not in caught.value.what


def test_a_path_alone_is_a_socket(environ: Environ) -> None:
    assert resolve({"url": "/run/x.sock"}, environ).url == "unix:///run/x.sock"


def test_certificate_files_that_are_not_there_are_named(environ: Environ, tmp_path: Path) -> None:
    settings = {"url": "tcp://far.example:2376", "ca": str(tmp_path / "none.pem")}
    with pytest.raises(InvalidInput, match=r"none\.pem"):
        resolve(settings, environ)
