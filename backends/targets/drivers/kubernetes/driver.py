"""Services as Deployments, found again by labels alone; state from watches, never from polling."""

import base64
import binascii
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

from msgspec.structs import replace

from backends.engines.addresses import resolve
from backends.engines.records import Delivery
from backends.errors import InvalidInput, NotFound, Unavailable
from backends.targets.catalog import TargetRecord
from backends.targets.driver import Driver
from backends.targets.drivers.kubernetes import (
    applying,
    capacity,
    finding,
    names,
    observing,
    podstate,
    quotas,
    reaching,
    rights,
    ways,
)
from backends.targets.drivers.kubernetes.api import Api, Object
from backends.targets.drivers.kubernetes.lastwords import with_last_lines
from backends.targets.drivers.kubernetes.launching import KEYS_FILE
from backends.targets.drivers.kubernetes.logs import ServiceLog
from backends.targets.drivers.kubernetes.settings import Settings, read_settings
from backends.targets.drivers.kubernetes.state import STOPPED, Snapshot, status_of
from backends.targets.drivers.kubernetes.terminal import terminal
from backends.targets.records import (
    Capabilities,
    Endpoint,
    Gap,
    Keys,
    LogLine,
    LogQuery,
    Observed,
    Preflight,
    Replica,
    ServiceSpec,
    Status,
    StreamEnd,
    TargetInfo,
)
from backends.targets.terminal import ExecRequest, Terminal
from backends.targets.ways import Way

_GB = 1_000_000_000


class KubernetesDriver(Driver):
    """Runs each service as a Deployment with a Service of its name."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        log_push=True,
        log_resume_exact=True,
        state_push=True,
        exec=True,
        tunnel=True,
        scale=True,
        autoscale=True,
        stop=True,
        zero_loss_model_update=True,
        zero_loss_environment_update=True,
        rotate_keys_without_restart=True,
        log_outlives_stop=False,
        gpu=True,
        capacity_known=True,
        images=True,
    )

    @classmethod
    def ways(cls) -> tuple[Way, ...]:
        """The roads to a cluster."""
        return ways.ways()

    @classmethod
    def check_settings(cls, settings: Mapping[str, str]) -> None:
        """See whether they can name a cluster."""
        ways.check(settings)

    def __init__(self, target: TargetRecord) -> None:
        self._target = target
        self._opened: Api | None = None
        self._said: Settings | None = None

    async def __aexit__(self, *exc: object) -> None:
        """End all streams; the services run on."""
        if self._opened is not None:
            await self._opened.aclose()

    async def check(self) -> TargetInfo:
        """The cluster's version and nodes."""
        started = time.perf_counter()
        version = await self._api.get("tell its version", "/version")
        latency = (time.perf_counter() - started) * 1000
        found = await capacity.nodes(self._api)
        access = await self._api.access()
        return TargetInfo(
            version=f"Kubernetes {version.get('gitVersion', '')}",
            identity=f"{access.context} ({access.server})"
            + (f"; {access.note}" if access.note else ""),
            cpus=sum(node.cpus for node in found) if found else None,
            memory_gb=sum(node.memory_bytes for node in found) / _GB if found else None,
            gpus=int(sum(node.accelerators.get(self._settings.accelerator, 0) for node in found))
            if found
            else 0,
            latency_ms=latency,
        )

    def rights(self) -> str:
        """The minimal Role of the target's namespace."""
        return rights.as_yaml(self._namespace(None))

    async def delivery(self) -> Delivery:
        """Images are built on an engine of ours, and pushed where a registry is named."""
        settings = self._settings
        address = resolve({"url": settings.builder} if settings.builder else {})
        return Delivery(engine=address, push_to=settings.push_to)

    async def preflight(self, spec: ServiceSpec) -> tuple[Preflight, ...]:
        """Room on the nodes, and what the cluster's purpose wants."""
        names.labels(spec.workspace, spec.name)
        found = await capacity.nodes(self._api)
        return (
            *await rights.check_rights(self._api, self._namespace(spec)),
            *capacity.check_room(spec, found, self._settings.accelerator),
            *await quotas.check_quotas(
                self._api, self._namespace(spec), spec, self._settings.accelerator
            ),
            *capacity.check_purpose(self._settings.purpose, found),
        )

    async def apply(self, spec: ServiceSpec, keys: Keys | None) -> None:
        """Apply the service's objects.

        Raises:
            InvalidInput: there is no image, or the cluster does not take a value.
            Conflict: the name belongs to something else there.
            Unauthorized: a right is missing; it is named.
        """
        names.check(spec.name)
        await applying.apply(self._api, self._namespace(spec), spec, self._settings, keys)

    async def services(self) -> tuple[Observed, ...]:
        """Every service of the workspace, from its Deployments' labels."""
        found = await finding.deployments(self._api, self._namespace(None), self._target.workspace)
        return tuple([await self._observed(one) for one in found])

    async def watch(self, name: str) -> AsyncGenerator[Status | StreamEnd, None]:
        """Status from the Deployment, its pods and their events.

        Raises:
            NotFound: there is no such service.
        """
        found = await self._find(name)
        watch = observing.Observation(
            self._api,
            finding.namespace_of(found),
            self._target.workspace,
            name,
            self._target.name,
        )
        async with contextlib.aclosing(watch.statuses()) as statuses:
            try:
                async for status in statuses:
                    yield status
            except Unavailable:
                if not self._api.closed:
                    raise
                yield StreamEnd(observing.CLOSED)

    async def logs(
        self, name: str, query: LogQuery
    ) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines of all pods; a follower ends with the service.

        Raises:
            NotFound: there is no such service.
        """
        namespace = finding.namespace_of(await self._find(name))
        log = ServiceLog(self._api, namespace, self._target.workspace, name, query)
        async with contextlib.aclosing(log.lines()) as lines:
            try:
                async for line in lines:
                    yield line
            except Unavailable:
                if not self._api.closed:
                    raise
                yield StreamEnd(observing.CLOSED)

    @contextlib.asynccontextmanager
    async def endpoint(self, name: str) -> AsyncGenerator[Endpoint, None]:
        """Its own address where it can be reached from here, else a tunnel.

        Raises:
            NotFound: there is no such service.
            Unavailable: no pod takes requests.
        """
        namespace = finding.namespace_of(await self._find(name))
        workspace = self._target.workspace
        async with reaching.endpoint(
            self._api, namespace, workspace, name, self._settings
        ) as found:
            yield found

    async def replicas(self, name: str) -> tuple[Replica, ...]:
        """Its pods, those on their way out too.

        Raises:
            NotFound: there is no such service.
        """
        found = await self._find(name)
        namespace, workspace = finding.namespace_of(found), self._target.workspace
        events = await finding.events_of(self._api, namespace, name)
        pods = await finding.pods(self._api, namespace, workspace, name)
        newest = names.revision_of(found)
        return tuple(podstate.replica(pod, events, newest) for pod in pods)

    @contextlib.asynccontextmanager
    async def exec(self, name: str, request: ExecRequest) -> AsyncGenerator[Terminal, None]:
        """Run a program in a pod's container, in a terminal.

        Raises:
            NotFound: there is no such service or pod.
            Conflict: no pod of it runs.
            Unsupported: the image has no shell.
        """
        namespace = finding.namespace_of(await self._find(name))
        pods = await finding.pods(self._api, namespace, self._target.workspace, name)
        pod = podstate.runnable(pods, request.replica, name)
        async with terminal(self._api, namespace, pod, request) as opened:
            yield opened

    async def keys(self, name: str) -> Keys:
        """Both keys of the service.

        Raises:
            NotFound: there is no such service, or it has no keys.
        """
        namespace = finding.namespace_of(await self._find(name))
        path = f"{applying.collection(namespace, 'Secret', 'v1')}/{names.keys_name(name)}"
        try:
            found = await self._api.get(f"read the keys of {name}", path)
            data = json.loads(base64.b64decode(found["data"][KEYS_FILE]))
            return Keys(str(data["primary"]), str(data["secondary"]))
        except (NotFound, LookupError, ValueError, binascii.Error) as error:
            raise NotFound(
                f"Service {name} has no keys: it answers without.",
                fix="Deploy it with key authentication (`authEnabled`).",
            ) from error

    async def set_keys(self, name: str, keys: Keys) -> None:
        """Replace the Secret; the pods are nudged to take it now, without a restart."""
        found = await self._find(name)
        spec = self._spec(found)
        namespace = finding.namespace_of(found)
        await applying.put_keys(self._api, namespace, spec, keys)
        pods = await finding.pods(self._api, namespace, self._target.workspace, name)
        await applying.nudge(self._api, namespace, pods)

    async def stop(self, name: str) -> None:
        """Scale to none; objects, keys and address stay."""
        found = await self._find(name)
        await applying.stop(self._api, finding.namespace_of(found), found)

    async def start(self, name: str) -> None:
        """Scale back to what it had."""
        found = await self._find(name)
        had = str((found["metadata"].get("annotations") or {}).get(STOPPED) or "")
        replicas = int(had) if had.isdigit() else max(1, int(found["spec"].get("replicas", 1)))
        await applying.scale(self._api, finding.namespace_of(found), name, replicas)

    async def scale(self, name: str, replicas: int) -> None:
        """Change the number of pods."""
        if replicas < 1:
            raise InvalidInput(
                f"Service {name} cannot have {replicas} replicas.", fix="Ask for 1 or more."
            )
        found = await self._find(name)
        await applying.scale(self._api, finding.namespace_of(found), name, replicas)

    async def delete(self, name: str) -> None:
        """Delete the anchor and with it everything of the service."""
        workspace = self._target.workspace
        for found in await finding.deployments(self._api, self._namespace(None), workspace, name):
            await applying.delete(self._api, finding.namespace_of(found), name)

    @property
    def _settings(self) -> Settings:
        if self._said is None:
            self._said = read_settings(self._target.settings)
        return self._said

    @property
    def _api(self) -> Api:
        if self._opened is None:
            self._opened = Api(self._settings)
        return self._opened

    def _namespace(self, spec: ServiceSpec | None) -> str:
        """The revision's own, else the target's, else the one that v1 would have named."""
        own = spec.cluster.namespace if spec is not None and spec.cluster else ""
        return own or self._settings.namespace or f"azureml-{self._target.workspace}"

    async def _find(self, name: str) -> Object:
        workspace, target = self._target.workspace, self._target.name
        return await finding.deployment(self._api, self._namespace(None), workspace, name, target)

    async def _observed(self, found: Object) -> Observed:
        name, namespace = str(found["metadata"]["name"]), finding.namespace_of(found)
        workspace = self._target.workspace
        snapshot = Snapshot(
            deployment=found,
            pods=await finding.pods(self._api, namespace, workspace, name),
            events=await finding.events_of(self._api, namespace, name),
        )
        url = await reaching.address(self._api, namespace, name, self._settings)
        status = await with_last_lines(self._api, snapshot, status_of(snapshot, time.time()))
        return Observed(spec=self._spec(found), status=status, url=url)

    def _spec(self, found: dict[str, Any]) -> ServiceSpec:
        """What was applied last; a service whose note was lost is still told of."""
        spec = names.spec_of(found)
        if spec is not None and STOPPED not in (found["metadata"].get("annotations") or {}):
            return replace(spec, replicas=int(found["spec"].get("replicas", 1)))
        return spec or ServiceSpec(
            workspace=self._target.workspace,
            name=str(found["metadata"]["name"]),
            revision=0,
            target=self._target.name,
        )
