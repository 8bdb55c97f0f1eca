"""A service's life on a real cluster: reached, scaled, rolled back, watched twice, deleted."""

import asyncio
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.applying import COLLECTIONS, collection
from backends.targets.records import Autoscale, Cluster, Keys, ServiceSpec, ServiceState, Status
from tests.support.clusters import Specify, needs_cluster
from tests.support.services import ECHO, applied, eventually, healthy, score, until

pytestmark = needs_cluster()

ANSWERS = ECHO.format(lines=1, revision=1)
NEXT = ECHO.format(lines=1, revision=2)
VERSIONS = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v1",
    "PodDisruptionBudget": "policy/v1beta1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
}


def has(count: int, status: Status) -> bool:
    """So many replicas answer and none else is wanted."""
    return status.state is ServiceState.HEALTHY and status.ready == status.wanted == count


async def left(api: Api, target: TargetRecord) -> list[str]:
    """Names of all objects with our label that are in the namespace."""
    query = {"labelSelector": names.selector(target.workspace)}
    place = target.settings["namespace"]
    paths = [collection(place, kind, VERSIONS.get(kind, "v1")) for kind in COLLECTIONS]
    paths += [f"/api/v1/namespaces/{place}/pods", f"/apis/apps/v1/namespaces/{place}/replicasets"]
    found = []
    for path in paths:
        objects, _ = await api.list("look", path, **query)
        found += [f"{path} {one['metadata']['name']}" for one in objects]
    return found


async def test_it_answers_through_the_tunnel_and_at_its_node_port(
    driver: Driver, specify: Specify, target: TargetRecord
) -> None:
    spec = await applied(driver, await specify(ANSWERS))
    async with driver.endpoint(spec.name) as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
    assert await score(driver, spec.name, 1) == (200, {"revision": 1, "echo": 1})
    exposed = replace(target, settings={**target.settings, "expose": "NodePort"})
    async with open_driver(exposed) as other:
        await applied(other, spec)
        (seen,) = await other.services()
        assert seen.url is not None

        async def direct() -> bool:
            async with other.endpoint(spec.name) as endpoint:
                return endpoint.url == seen.url

        await eventually(direct)
        assert await score(other, spec.name, 2) == (200, {"revision": 1, "echo": 2})


async def test_it_is_scaled_up_and_down_again(driver: Driver, specify: Specify) -> None:
    spec = await applied(driver, await specify(ANSWERS))
    for count in (3, 1):
        await driver.scale(spec.name, count)
        status = await until(driver, spec.name, partial(has, count))
        assert status.serving == 1
        assert await score(driver, spec.name, count) == (200, {"revision": 1, "echo": count})


async def test_an_earlier_revision_is_brought_back(driver: Driver, specify: Specify) -> None:
    first = await applied(driver, await specify(ANSWERS))
    second = await specify(NEXT, revision=2)
    await applied(driver, second, revision=2)
    assert (await score(driver, first.name))[1]["revision"] == 2
    await applied(driver, replace(first, revision=3), revision=3)
    assert (await score(driver, first.name))[1]["revision"] == 1


async def test_two_consoles_see_what_the_cluster_holds(
    driver: Driver, specify: Specify, target: TargetRecord, api: Api
) -> None:
    spec = await applied(driver, await specify(ANSWERS))
    async with open_driver(target) as other:
        await driver.scale(spec.name, 2)
        seen = await asyncio.gather(
            *(until(one, spec.name, lambda s: s.ready == 2) for one in (driver, other))
        )
        assert {status.wanted for status in seen} == {2}
        path = f"{collection(target.settings['namespace'], 'Deployment', 'apps/v1')}/{spec.name}"
        body = {"spec": {"replicas": 1}}
        kind = "application/merge-patch+json"
        await api.request("scale as kubectl does", "PATCH", f"{path}/scale", body=body, kind=kind)
        seen = await asyncio.gather(
            *(until(one, spec.name, lambda s: s.wanted == 1) for one in (driver, other))
        )
        await other.delete(spec.name)
        told = await until(driver, spec.name, lambda s: "being deleted" in s.reason)
        assert told.state is ServiceState.TRANSITIONING


async def test_deleted_it_leaves_nothing(
    specify: Specify, target: TargetRecord, api: Api, tmp_path: Path
) -> None:
    whole = {"ingress_host": "models.example", "network_policy": "true", **target.settings}
    async with open_driver(replace(target, settings=whole)) as driver:
        spec: ServiceSpec = await specify(
            ANSWERS, auth=True, cluster=Cluster(autoscale=Autoscale(minimum=2, maximum=3))
        )
        await driver.apply(spec, Keys("primary-0123456789abcdef", "secondary-0123456789abcdef"))
        await healthy(driver, spec.name)
        there = " ".join(await left(api, target))
        assert all(word in there for word in (*COLLECTIONS.values(), "pods", "replicasets"))
        await driver.delete(spec.name)

        async def empty() -> bool:
            return not await left(api, target)

        await eventually(empty)
        await driver.delete(spec.name)
