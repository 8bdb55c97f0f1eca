"""What a service's containers run now: its specs, and which of them get the requests."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import IntegrityError
from backends.targets.drivers.docker import files, finding, labels, routing
from backends.targets.drivers.docker.finding import Container, identity
from backends.targets.drivers.docker.routing import Routes
from backends.targets.records import ServiceSpec
from backends.targets.specs import spec_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A service's containers by what they do."""

    serving: tuple[Container, ...]
    """They get the requests, or got them last."""
    coming: tuple[Container, ...]
    """They will, once they are ready."""
    leaving: tuple[Container, ...]
    """They finish what they have."""
    router: Container | None
    routes: Routes | None

    @property
    def servers(self) -> tuple[Container, ...]:
        """All of them but the router."""
        return (*self.serving, *self.coming, *self.leaving)

    @property
    def newest(self) -> Container | None:
        """One of those that were applied last."""
        return finding.newest(self.coming or self.serving or self.leaving)


async def group(engine: Engine, found: Sequence[Container]) -> Group:
    """Containers of one service.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    router = finding.router_of(found)
    servers = finding.servers(found)
    routes = await routing.routes_of(engine, router) if router is not None else None
    if routes is None:
        return Group(serving=tuple(servers), coming=(), leaving=(), router=router, routes=None)
    serving = tuple(c for c in servers if routes.includes(c))
    rest = [c for c in servers if c not in serving]
    revisions = [finding.revision_of(c) for c in serving]
    newest = max([*revisions, routes.revision])
    coming = tuple(c for c in rest if finding.revision_of(c) > newest or _follows(c, routes))
    return Group(
        serving=serving,
        coming=coming,
        leaving=tuple(c for c in rest if c not in coming),
        router=router,
        routes=routes,
    )


async def current_spec(engine: Engine, container: Container, target: str) -> ServiceSpec:
    """The spec that was applied last, under the name by which its engine is known here.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    text = await files.get(engine, identity(container), files.SPEC_FILE)
    try:
        swapped = spec_from_json(text) if text else None
    except IntegrityError:
        swapped = None
    spec = swapped or labels.labelled_spec(container)
    if spec is not None:
        return replace(spec, target=target)
    words = labels.labels_of(container)
    return ServiceSpec(
        workspace=words.get(labels.WORKSPACE, ""),
        name=words.get(labels.SERVICE, ""),
        revision=0,
        target=target,
    )


def _follows(container: Container, routes: Routes) -> bool:
    return routes.coming is not None and routes.coming.includes(container)
