"""The printed Role is enough for a service's whole life on a real cluster."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.rights import ROLE
from backends.targets.records import Keys, LogLine, LogQuery, ServiceState
from backends.targets.terminal import ExecRequest
from tests.support.clusters import Specify, needs_cluster
from tests.support.commandline import CommandLine
from tests.support.services import ECHO, eventually, healthy, log_items, score, until, written

KEYS = Keys("primary-0123456789abcdef", "secondary-0123456789abcdef")
ANSWERS = ECHO.format(lines=3, revision=1)
ACCOUNT = "operator"


async def make_account(api: Api, namespace: str, role: dict[str, Any], folder: Path) -> Path:
    """A service account that has just this Role; its kubeconfig."""
    bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces"
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE}
    wanted = [
        ("/api/v1/namespaces", {"metadata": {"name": namespace}}),
        (f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": ACCOUNT}}),
        (f"{bindings}/{namespace}/roles", role),
        (
            f"{bindings}/{namespace}/rolebindings",
            {"metadata": {"name": ROLE}, "roleRef": reference, "subjects": [subject]},
        ),
    ]
    for path, body in wanted:
        await api.request("prepare", "POST", path, body=body)
    tokens: list[str] = []

    async def given() -> bool:
        secrets, _ = await api.list("look", f"/api/v1/namespaces/{namespace}/secrets")
        kind = "kubernetes.io/service-account-token"
        for one in secrets:
            named = one["metadata"].get("annotations", {}).get("kubernetes.io/service-account.name")
            if one["type"] == kind and named == ACCOUNT and one.get("data", {}).get("token"):
                tokens.append(base64.b64decode(one["data"]["token"]).decode())
        return bool(tokens)

    await eventually(given)
    file = os.environ["KUBECONFIG"].split(":")[0]
    content = yaml.safe_load(await asyncio.to_thread(Path(file).read_text))
    for user in content["users"]:
        user["user"] = {"token": tokens[0]}
    found = folder / "kubeconfig"
    found.touch(0o600)
    found.write_text(json.dumps(content))
    return found


def test_the_role_is_printed_for_a_namespace(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    printed = yaml.safe_load(line("computetarget", "rbac", "--namespace", "models").out)
    assert printed["kind"] == "Role"
    assert printed["metadata"]["namespace"] == "models"
    line.data("computetarget", "attach", "aks", "-n", "prod", "--namespace", "theirs")
    assert "namespace: theirs" in line("computetarget", "rbac", "-n", "prod").out
    assert "azureml-default" in line("computetarget", "rbac").out


def test_a_target_without_rights_says_so(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.data("computetarget", "attach", "process", "-n", "here")
    ran = line("computetarget", "rbac", "-n", "here")
    assert ran.code == 1
    assert "asks for no rights" in ran.err


@needs_cluster()
async def test_the_printed_role_is_enough_for_everything(
    target: TargetRecord, specify: Specify, api: Api, tmp_path: Path
) -> None:
    namespace = target.settings["namespace"]
    line = CommandLine(tmp_path)
    ran = await asyncio.to_thread(line, "computetarget", "rbac", "--namespace", namespace)
    file = await make_account(api, namespace, yaml.safe_load(ran.out), tmp_path)
    settings = {"namespace": namespace, "kubeconfig": str(file)}
    spec = await specify(ANSWERS, auth=True)
    async with open_driver(replace(target, settings=settings)) as driver:
        assert all(check.ok for check in await driver.preflight(spec) if check.blocking)
        await driver.apply(spec, KEYS)
        await healthy(driver, spec.name)
        assert (await driver.services())[0].status.state is ServiceState.HEALTHY
        assert await score(driver, spec.name, 1, key=KEYS.primary) == (
            200,
            {"revision": 1, "echo": 1},
        )
        lines = await log_items(driver, spec.name, LogQuery())
        assert any(isinstance(one, LogLine) and "starting 2" in one.text for one in lines)
        async with driver.exec(spec.name, ExecRequest(command=("echo", "inside"))) as terminal:
            assert b"inside" in await written(terminal)
        assert await driver.keys(spec.name) == KEYS
        await driver.set_keys(spec.name, Keys("new-0123456789abcdefgh", KEYS.secondary))
        assert len(await driver.replicas(spec.name)) == 1
        await driver.scale(spec.name, 2)
        await until(driver, spec.name, lambda s: s.ready == 2)
        await driver.stop(spec.name)
        await until(driver, spec.name, lambda s: s.state is ServiceState.STOPPED)
        await driver.start(spec.name)
        await driver.delete(spec.name)

        async def gone() -> bool:
            return not await driver.services()

        await eventually(gone)
