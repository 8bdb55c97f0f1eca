"""A real Kubernetes cluster for tests: whether there is one, namespaces that go away with a test."""

import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backends.errors import NotFound, PilothouseError
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.kubeconfig import read_access
from backends.targets.drivers.kubernetes.settings import Settings
from tests.support.containers import client
from tests.support.serviceimages import service_image


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
