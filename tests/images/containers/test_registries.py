"""Private registries: with what the config says, or what `docker login` kept."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.configs.records import ImageRegistry
from backends.errors import NotFound, Unauthorized
from backends.images.containers import names
from backends.images.containers.bases import pull
from backends.images.containers.credentials import auth_header, registry_of
from backends.images.containers.pushing import push
from backends.images.containers.records import Image
from backends.images.containers.store import find_image
from tests.support import baseimages
from tests.support.containers import asked, needs_engine
from tests.support.imagebuilds import built, engine, planned
from tests.support.imageregistry import PASSWORD, USER, needs_registry, private_registry

pytestmark = [needs_engine(), needs_registry(), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that wants a password."""
    with private_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`docker login` never happened on this machine."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
async def private(address: str) -> AsyncIterator[str]:
    """A base image that only the registry has."""
    known = ImageRegistry(address=address, username=USER, password=PASSWORD)
    async with engine() as found:
        base = await find_image(found, baseimages.no_python())
        assert base is not None
        image = Image(id=base.id, reference="team/base:1")
        async with aclosing(push(found, image, address, known)) as items:
            *_, pushed = [item async for item in items]
        assert isinstance(pushed, Image)
        assert pushed.reference == f"{address}/team/base:1"
        await asked(lambda c: c.remove_image(pushed.reference))
        yield "team/base:1"
        if await find_image(found, pushed.reference):
            await asked(lambda c: c.remove_image(pushed.reference, force=True))


async def test_a_private_base_image_is_pulled_with_address_user_and_password(
    address: str, private: str, index: tuple[str, str]
) -> None:
    known = ImageRegistry(address=address, username=USER, password=PASSWORD)
    plan = planned(*index, "harbour", base_image=private, registry=known)
    image, lines = await built(plan)
    assert "harbour" in image.labels["pilothouse/packages"]
    facts = json.dumps(await asked(lambda c: [c.inspect_image(image.id), c.history(image.id)]))
    assert PASSWORD not in facts + "".join(lines) + repr(plan)


async def test_a_wrong_password_is_said_to_be_refused(address: str, private: str) -> None:
    wrong = ImageRegistry(address=address, username=USER, password="wrong")
    with pytest.raises(Unauthorized) as caught:
        await built(planned(base_image=private, registry=wrong))
    assert f"{address}/{private}" in caught.value.what
    assert "password" in caught.value.fix


async def test_what_docker_login_kept_is_used(address: str, private: str, nobody: Path) -> None:
    log_in(nobody, address)
    async with engine() as found:
        lines = [line async for line in pull(found, f"{address}/{private}")]
        assert await find_image(found, f"{address}/{private}") is not None
    assert lines


async def test_without_a_login_the_registry_refuses(address: str, private: str) -> None:
    async with engine() as found:
        with pytest.raises(Unauthorized, match="could not"):
            [_ async for _ in pull(found, f"{address}/{private}")]


async def test_an_image_that_the_registry_has_not_is_not_found(address: str) -> None:
    known = ImageRegistry(address=address, username=USER, password=PASSWORD)
    async with engine() as found:
        with pytest.raises((NotFound, Unauthorized), match="team/none:7"):
            [_ async for _ in pull(found, f"{address}/team/none:7", known)]


def log_in(config: Path, address: str) -> None:
    """What `docker login` leaves behind."""
    kept = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config.write_text(json.dumps({"auths": {address: {"auth": kept}}}))


def test_a_credential_helper_is_asked(
    nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-quay"
    answer = json.dumps({"ServerURL": "r.example", "Username": "u", "Secret": "p"})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    nobody.write_text(json.dumps({"credHelpers": {"r.example": "quay"}}))
    header = auth_header("r.example/team/base:1", ImageRegistry())
    found = json.loads(base64.urlsafe_b64decode(header["X-Registry-Auth"]))
    assert (found["username"], found["password"]) == ("u", "p")


def test_a_credential_helper_that_fails_says_which_registry(
    nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-quay"
    helper.write_text("#!/bin/sh\ncat >/dev/null\necho 'the vault is locked'\nexit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    nobody.write_text(json.dumps({"credHelpers": {"r.example": "quay"}}))
    with pytest.raises(Unauthorized, match=r"r\.example.*"):
        auth_header("r.example/team/base:1", ImageRegistry())


def test_no_header_goes_to_a_registry_that_nobody_logged_in_to(nobody: Path) -> None:
    assert not nobody.exists()
    assert auth_header("python:3.11-slim", ImageRegistry()) == {}


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("python:3.11", "docker.io"),
        ("team/base:1", "docker.io"),
        ("localhost/base", "localhost"),
        ("r.example/team/base:1", "r.example"),
        ("127.0.0.1:5000/base", "127.0.0.1:5000"),
    ],
)
def test_the_registry_of_a_reference(reference: str, host: str) -> None:
    assert registry_of(reference) == host
    assert names.service_tag("W s", "svc", 3, "a" * 64) == f"pilothouse/w-s-svc:r3-{'a' * 12}"
