"""An engine over TLS: who it must be, who we must be, and what each failure is called."""

from pathlib import Path

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from backends.errors import PilothouseError, Unauthorized
from tests.support.certificates import Signed, signed
from tests.support.containers import needs_engine
from tests.support.tlsengine import tls_engine

pytestmark = needs_engine()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return signed(tmp_path_factory.mktemp("server"), "server")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return signed(tmp_path_factory.mktemp("client"), "client")


def settings(port: int, ca: Path, client: Signed | None = None, host: str = "") -> dict[str, str]:
    found = {"url": f"tcp://{host or '127.0.0.1'}:{port}", "ca": str(ca)}
    if client is not None:
        found |= {"certificate": str(client.certificate), "key": str(client.key)}
    return found


async def failure(wanted: dict[str, str]) -> PilothouseError:
    async with Engine(resolve(wanted)) as engine:
        with pytest.raises(PilothouseError) as caught:
            await engine.info()
        assert caught.value.fix
        return caught.value


async def test_both_sides_prove_themselves(server: Signed, client: Signed) -> None:
    async with tls_engine(server, client) as port:
        wanted = settings(port, server.certificate, client)
        async with Engine(resolve(wanted)) as engine:
            assert (await engine.info()).version
            stream = engine.stream("watch", "GET", "/events", params={"since": 1, "until": 2})
            assert [piece async for piece in stream] == []


async def test_an_engine_that_wants_a_certificate_is_told_from_others(
    server: Signed, client: Signed, tmp_path: Path
) -> None:
    stranger = signed(tmp_path, "stranger")
    async with tls_engine(server, client) as port:
        for given in (None, stranger):
            error = await failure(settings(port, server.certificate, given))
            assert "client certificate" in error.fix


async def test_an_engine_of_an_unknown_authority_is_refused(server: Signed, client: Signed) -> None:
    async with tls_engine(server) as port:
        error = await failure(settings(port, client.certificate))
        assert isinstance(error, Unauthorized)
        assert "self-signed certificate" in error.what
        assert "`ca`" in error.fix


async def test_an_engine_of_another_name_is_refused(server: Signed) -> None:
    async with tls_engine(server, host="127.0.0.2") as port:
        error = await failure(settings(port, server.certificate, host="127.0.0.2"))
        assert isinstance(error, Unauthorized)


async def test_an_expired_engine_is_refused(tmp_path: Path) -> None:
    expired = signed(tmp_path, "expired", days=-2)
    async with tls_engine(expired) as port:
        error = await failure(settings(port, expired.certificate))
        assert "expired" in error.what


async def test_verification_can_be_left_out(server: Signed) -> None:
    async with tls_engine(server) as port:
        wanted = {"url": f"tcp://127.0.0.1:{port}", "verify": "false"}
        async with Engine(resolve(wanted)) as engine:
            assert (await engine.info()).version
            stream = engine.stream("watch", "GET", "/events", params={"since": 1, "until": 2})
            assert [piece async for piece in stream] == []


async def test_plain_http_where_tls_was_expected_is_told(server: Signed) -> None:
    async with tls_engine(None) as port:
        error = await failure(settings(port, server.certificate))
        assert "plain HTTP" in error.fix


async def test_tls_where_plain_http_was_expected_is_told(server: Signed) -> None:
    async with tls_engine(server) as port:
        error = await failure({"url": f"tcp://127.0.0.1:{port}"})
        assert "broke" in error.what
