"""Builds of container images in tests: what is wanted in a few words, and what came of it."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from backends.configs.records import CondaSpec, Environment, ImageRegistry, InferenceConfig
from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from backends.images.containers import names
from backends.images.containers.environment_image import build_environment
from backends.images.containers.records import Image
from backends.images.containers.service_image import build_service
from backends.images.environment import EnvironmentPlan, plan_environment
from backends.images.venv import BuildLine
from backends.targets.records import ModelRef, ServiceSpec
from tests.support.containers import SOCKET, asked, client

SCORE = """\
import getpass, os, sys
def init():
    pass
def run(data):
    import harbour
    return {"harbour": harbour.VERSION, "python": "%d.%d" % sys.version_info[:2],
            "user": getpass.getuser(), "uid": os.getuid(), "home": sys.prefix,
            "leaked": [n for n in os.environ if n.startswith(("PYTHON", "UV_"))]}
"""


def engine() -> Engine:
    """This machine's engine."""
    return Engine(resolve({"url": f"unix://{SOCKET}"}))


def planned(
    *pip: str,
    packages: tuple[str, ...] = (),
    base_image: str = "",
    dockerfile: str = "",
    steps: str = "",
    source: Path | None = None,
    registry: ImageRegistry | None = None,
    interpreter: str = "",
) -> EnvironmentPlan:
    """A plan for containers; `steps` is the text of the extra Docker steps."""
    folder = source or Path()
    if steps:
        (folder / "steps").write_text(steps)
    environment = Environment(
        name="e",
        conda=CondaSpec(packages=packages, pip=pip),
        base_image=base_image,
        base_dockerfile=dockerfile,
        image_registry=registry or ImageRegistry(),
        user_managed=bool(interpreter),
        interpreter=interpreter or "python",
    )
    config = InferenceConfig(
        entry_script="score.py",
        environment=environment,
        extra_docker_steps="steps" if steps else "",
    )
    return plan_environment(
        config,
        folder,
        builtin=None,
        framework_version="",
        lookup=lambda *_: None,
        containers=True,
    )


async def built(plan: EnvironmentPlan) -> tuple[Image, list[str]]:
    """The environment's image, and the lines of its build."""
    lines: list[str] = []
    async with engine() as found, aclosing(build_environment(found, plan)) as items:
        async for item in items:
            if isinstance(item, BuildLine):
                lines.append(item.text)
    assert isinstance(item, Image)
    return item, lines


def bundled(root: Path, script: str = SCORE, models: dict[str, bytes] | None = None) -> Path:
    """A bundle with an entry script and one model."""
    folder = root / "azureml-models" / "m" / "1"
    folder.mkdir(parents=True)
    for name, data in (models or {"model.txt": b"1"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (root / "score.py").write_text(script)
    return root


def specified(bundle: Path, workspace: str, revision: int = 1, digest: str = "") -> ServiceSpec:
    """The spec of a service that answers with `SCORE`."""
    return ServiceSpec(
        workspace=workspace,
        name="svc",
        revision=revision,
        target="docker",
        bundle=bundle,
        entry_script="score.py",
        models=(ModelRef("m", 1, digest),),
        model_dir="azureml-models/m/1",
    )


async def serviced(environment: Image, spec: ServiceSpec) -> Image:
    """The service's image."""
    async with engine() as found, aclosing(build_service(found, environment, spec)) as items:
        *_, last = [item async for item in items]
    assert isinstance(last, Image)
    return last


@asynccontextmanager
async def running(image: str, **extra: Any) -> AsyncGenerator[str, None]:
    """The image run as by `docker run -p`, once it answers: its base address."""
    body = {
        "Image": image,
        "ExposedPorts": {"5001/tcp": {}},
        "HostConfig": {
            "PortBindings": {"5001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]},
            **extra,
        },
    }
    name = f"pilothouse-test-{secrets.token_hex(6)}"
    made = await asked(lambda c: c.create_container_from_config(body, name))
    try:
        await asked(lambda c: c.start(made["Id"]))
        facts = await asked(lambda c: c.inspect_container(made["Id"]))
        port = facts["NetworkSettings"]["Ports"]["5001/tcp"][0]["HostPort"]
        await _healthy(f"http://127.0.0.1:{port}", made["Id"])
        yield f"http://127.0.0.1:{port}"
    finally:
        await asked(lambda c: c.remove_container(made["Id"], v=True, force=True))


async def _healthy(url: str, container: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            facts = await asked(lambda c: c.inspect_container(container))
            if not facts["State"]["Running"]:
                raise AssertionError(await asked(lambda c: c.logs(container).decode()))
            await asyncio.sleep(0.05)


async def answer(url: str) -> dict[str, Any]:
    """What the service says to one request."""
    async with httpx.AsyncClient() as http:
        found = await http.post(f"{url}/score", json={}, timeout=30)
    assert found.status_code == 200, found.text
    said: dict[str, Any] = found.json()
    return said


def left_over() -> list[str]:
    """Containers and volumes of builds."""
    only = {"label": f"{names.BUILDING}=yes"}
    with client() as found:
        containers = [item["Names"][0] for item in found.containers(all=True, filters=only)]
        volumes = [item["Name"] for item in found.volumes(filters=only)["Volumes"] or ()]
    return [*containers, *volumes]


def remove_images(found: Any, label: str, but: Collection[str] = ()) -> None:
    """All images with a label, those that others stand on and `but` excepted."""
    import docker.errors

    for image in found.images(filters={"label": label}):
        if image["Id"] in but:
            continue
        for reference in image.get("RepoTags") or [image["Id"]]:
            try:
                found.remove_image(image["Id"] if reference == "<none>:<none>" else reference)
            except docker.errors.APIError:
                continue
