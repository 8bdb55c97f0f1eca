"""What a person is told of services on a real cluster when something is wrong there."""

import os

import pytest
from msgspec.structs import replace

from backends.errors import Unauthorized
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.records import Resources, ServiceSpec, ServiceState, Status
from tests.support.clusters import Specify, needs_cluster
from tests.support.services import BROKEN, ECHO, applied, until

pytestmark = needs_cluster()

ANSWERS = ECHO.format(lines=1, revision=1)
DIES = """
import os
os._exit(7)
"""
GREEDY = """
def init():
    global held
    held = [bytearray(64 << 20) for _ in range(64)]
def run(data):
    return data
"""
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "small"},
    "spec": {"hard": {"requests.cpu": "200m", "requests.memory": "1Gi"}},
}


async def ends(driver: Driver, spec: ServiceSpec, state: ServiceState) -> Status:
    """Apply it and wait for the state."""
    await driver.apply(spec, None)
    return await until(driver, spec.name, lambda status: status.state is state)


async def test_an_image_that_is_not_there_fails_by_its_name(
    driver: Driver, specify: Specify
) -> None:
    spec = await specify(ANSWERS, image="127.0.0.1:5000/nothing/there:1")
    status = await ends(driver, spec, ServiceState.FAILED)
    assert "127.0.0.1:5000/nothing/there:1" in status.reason
    assert "not found" in status.reason
    assert "rpc error" not in status.reason
    assert status.evidence.stage == "image"


async def test_an_image_whose_name_is_wrong_fails_at_once(driver: Driver, specify: Specify) -> None:
    status = await ends(driver, await specify(ANSWERS, image="Not An Image"), ServiceState.FAILED)
    assert "Not An Image" in status.reason


async def test_a_crash_loop_tells_the_exit_code(driver: Driver, specify: Specify) -> None:
    status = await ends(driver, await specify(DIES), ServiceState.FAILED)
    assert "the worker exited with code 7" in status.reason
    assert status.evidence.exit_code == 3
    assert status.evidence.last_lines


async def test_an_init_that_raises_is_told_with_its_traceback(
    driver: Driver, specify: Specify
) -> None:
    status = await ends(driver, await specify(BROKEN), ServiceState.FAILED)
    assert "the weights are missing" in status.reason
    assert "ValueError" in status.evidence.traceback
    assert "about to fail" in "\n".join(status.evidence.last_lines)


async def test_out_of_memory_says_so(driver: Driver, specify: Specify) -> None:
    spec = await specify(GREEDY, resources=Resources(memory_gb=0.2))
    status = await ends(driver, spec, ServiceState.FAILED)
    assert "ran out of memory (its limit is 0.2 GB)" in status.reason
    assert status.evidence.out_of_memory


async def test_not_enough_processors_is_unschedulable(driver: Driver, specify: Specify) -> None:
    spec = await specify(ANSWERS, resources=Resources(cpu=64))
    status = await ends(driver, spec, ServiceState.UNSCHEDULABLE)
    assert "Insufficient cpu" in status.reason


async def test_an_accelerator_is_taken_once(driver: Driver, specify: Specify) -> None:
    first = await specify(ANSWERS, resources=Resources(gpu=1))
    await applied(driver, first)
    second = replace(first, name="other")
    checks = {check.name: check for check in await driver.preflight(second)}
    assert not checks["gpu"].ok
    assert not checks["gpu"].blocking
    status = await ends(driver, second, ServiceState.UNSCHEDULABLE)
    assert "Insufficient nvidia.com/gpu" in status.reason


async def test_a_quota_that_is_used_up_is_named(
    driver: Driver, specify: Specify, api: Api, target: TargetRecord
) -> None:
    place = target.settings["namespace"]
    named = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    await api.request("make", "POST", "/api/v1/namespaces", body=named)
    path = f"/api/v1/namespaces/{place}/resourcequotas"
    await api.request("make", "POST", path, body=QUOTA)
    spec = await specify(ANSWERS, resources=Resources(cpu=0.5, memory_gb=0.2))
    (told,) = [check for check in await driver.preflight(spec) if check.name == "quota"]
    assert told.detail == "small allows requests.cpu=200m, 0 are in use, a replica asks 500m"
    status = await ends(driver, spec, ServiceState.UNSCHEDULABLE)
    assert status.reason == (
        "the quota small of the namespace is used up: asked requests.cpu=500m,"
        " in use requests.cpu=0, at most requests.cpu=200m"
    )


async def test_a_missing_right_is_named_with_what_prints_the_role(
    target: TargetRecord, specify: Specify
) -> None:
    nobody = os.environ.get("KUBECONFIG_NOBODY")
    if not nobody:
        pytest.skip("KUBECONFIG_NOBODY names no user without rights")
    spec = await specify(ANSWERS, image="unused")
    record = replace(target, settings={**target.settings, "kubeconfig": nobody})
    async with open_driver(record) as driver:
        rights = {check.name: check for check in await driver.preflight(spec)}["rights"]
        assert not rights.ok
        assert rights.blocking
        assert "create, patch, delete deployments" in rights.detail
        assert "computetarget rbac" in rights.fix
        with pytest.raises(Unauthorized) as refused:
            await driver.apply(spec, None)
        assert 'cannot get resource "configmaps"' in refused.value.what
        assert "verb get on configmaps" in refused.value.fix
        assert "computetarget rbac" in refused.value.fix
        with pytest.raises(Unauthorized, match="deployments"):
            await driver.services()
