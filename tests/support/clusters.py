"""A real Kubernetes cluster for tests: whether there is one, namespaces that go with a test."""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from backends.errors import NotFound, PilothouseError
from backends.targets.catalog import TargetRecord
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.kubeconfig import read_access
from backends.targets.drivers.kubernetes.settings import Settings
from backends.targets.records import Limits, ServiceSpec
from tests.support.containers import client
from tests.support.serviceimages import service_image
from tests.support.services import bundle


class Specify(Protocol):
    """Makes the spec of a service `web` from an entry script."""

    def __call__(self, script: str, **more: Any) -> Awaitable[ServiceSpec]:
        """`more` are fields of the spec."""


def missing() -> str:
    """Why tests of a cluster cannot run here; empty when they can."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    try:
        read_access("", "")
    except PilothouseError as error:
        return error.what
    return ""


def needs_cluster() -> pytest.MarkDecorator:
    """Skips without a cluster; where `CI` is set, the tests run and fail instead."""
    if os.environ.get("CI"):
        return pytest.mark.skipif(False, reason="")
    reason = missing()
    return pytest.mark.skipif(bool(reason), reason=reason)


@asynccontextmanager
async def namespace() -> AsyncGenerator[str, None]:
    """A name for a namespace, which is deleted afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        api = Api(Settings())
        try:
            await api.request("clean up", "DELETE", f"/api/v1/namespaces/{name}")
        except NotFound:
            pass
        finally:
            await api.aclose()


def cluster_image(app: Path) -> str:
    """Tag, on the engine that the node runs on, of an image with the app root of a service."""
    found = service_image(app)
    tag = f"pilothouse-test-app:{found.removeprefix('sha256:')[:16]}"
    with client() as engine:
        engine.tag(found, *tag.split(":"))
    return tag


async def specified(target: TargetRecord, folder: Path, script: str, **more: Any) -> ServiceSpec:
    """The spec of a service `web`, its image on the node; `more` are its other fields."""
    app = bundle(folder, script)
    said: dict[str, Any] = {"limits": Limits(init_seconds=60), "revision": 1}
    if "image" not in more:
        said["image"] = await asyncio.to_thread(cluster_image, app)
    return ServiceSpec(
        workspace=target.workspace,
        name="web",
        target=target.name,
        entry_script="score.py",
        source_directory=".",
        **(said | more),
    )
