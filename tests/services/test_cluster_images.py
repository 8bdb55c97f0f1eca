"""A no-code model goes to a real cluster, its image by way of a registry or from the engine."""

import base64
import json
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from backends.images.containers import names
from backends.registry.records import Framework, Registration
from backends.targets.catalog import TargetRecord
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.settings import Settings
from backends.workspace import Workspace
from tests.support.clusters import namespace, needs_cluster
from tests.support.containers import client
from tests.support.deploying import deploy, request, score
from tests.support.imagebuilds import remove_images
from tests.support.imageregistry import PASSWORD, USER, needs_registry, private_registry
from tests.support.pilots import write_onnx

pytestmark = [needs_cluster(), pytest.mark.timeout(300)]
REGISTRY = "127.0.0.1:5000"
DEPLOYMENT = {
    "computeType": "aks",
    "authEnabled": False,
    "numReplicas": 1,
    "containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 0.5},
}


@pytest.fixture
def name() -> Iterator[str]:
    """A workspace's name; the images of it are removed afterwards."""
    found = f"t{uuid4().hex[:10]}"
    yield found
    with client() as engine:
        remove_images(engine, f"{names.WORKSPACE}={found}")


@asynccontextmanager
async def opened(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncGenerator[Workspace, None]:
    """A workspace with a registered ONNX model and the cluster as a target."""
    monkeypatch.setenv("PILOTHOUSE_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    write_onnx(folder / "model.onnx", scale=1.0)
    async with namespace() as place:
        workspace = Workspace.open(name)
        settings["namespace"] = place
        workspace.targets.attach(
            TargetRecord(name="myaks", kind="aks", workspace=name, settings=settings)
        )
        workspace.registry.register(
            Registration(name="digits", path=str(folder / "model.onnx"), framework=Framework.ONNX)
        )
        try:
            yield workspace
            await workspace.services.delete("digits")
        finally:
            await workspace.aclose()


async def test_a_no_code_model_answers_from_the_engines_own_image(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(name, tmp_path, monkeypatch) as workspace:
        wish = request("digits", "digits:1", deployment=DEPLOYMENT, target="myaks")
        service = await deploy(workspace, wish)
        assert service.spec.image
        assert (await score(workspace, "digits", "{}")).status in {200, 400}


async def test_a_no_code_model_answers_from_an_image_that_was_pushed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{REGISTRY}/{secrets.token_hex(4)}"
    more = {"push_to": path, "pull_from": path.replace("127.0.0.1", "localhost")}
    async with opened(name, tmp_path, monkeypatch, **more) as workspace:
        wish = request("digits", "digits:1", deployment=DEPLOYMENT, target="myaks")
        service = await deploy(workspace, wish)
        assert (service.spec.image or "").startswith(f"{path}/")
        assert (await score(workspace, "digits", "{}")).status in {200, 400}
        api = Api(Settings())
        place = workspace.targets.get("myaks").settings["namespace"]
        (pod,), _ = await api.list("look", f"/api/v1/namespaces/{place}/pods")
        await api.aclose()
        assert pod["spec"]["containers"][0]["image"].startswith("localhost:5000/")


@needs_registry()
async def test_nodes_pull_from_a_private_registry_with_the_login_that_docker_has(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with private_registry(tmp_path) as host:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        folder = tmp_path / "docker"
        folder.mkdir(mode=0o700)
        (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        async with opened(name, tmp_path, monkeypatch, push_to=host) as workspace:
            wish = request("digits", "digits:1", deployment=DEPLOYMENT, target="myaks")
            service = await deploy(workspace, wish)
            with client() as engine:
                engine.remove_image(service.spec.image, force=True, noprune=True)
            assert (await score(workspace, "digits", "{}")).status in {200, 400}
