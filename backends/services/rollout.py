"""The rollout: a plan carried out stage by stage, each as events, the outcome stored."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backends.errors import (
    PilothouseError,
    ServiceFailed,
    Unavailable,
    Unschedulable,
    WaitTimeout,
)
from backends.images.bundle import stage_bundle
from backends.registry.registry import Registry
from backends.services.carried import hold
from backends.services.records import (
    Event,
    Finished,
    Plan,
    Revision,
    RunFailed,
    Service,
    Stage,
    StageFinished,
    StageOutput,
    StageStarted,
    StageStep,
    StageTiming,
    StateChanged,
    Transition,
)
from backends.services.store import Store
from backends.targets.driver import Driver
from backends.targets.records import (
    Evidence,
    Keys,
    ModelRef,
    Preflight,
    ServiceState,
    Status,
)

if TYPE_CHECKING:
    from backends.images.containers.building import Item
    from backends.images.containers.records import Image, StepFinished, StepStarted

INTERPRETER = "pilothouse/interpreter"
"""Label of an image: path of the user's Python in it; empty for the server's own."""
KEY_BYTES = 24
"""Random bytes of a generated key: 32 characters, as long as Azure ML's."""


class Rollout:
    """One run of one plan. Make it, iterate `events()` once, to its end."""

    def __init__(
        self,
        plan: Plan,
        *,
        store: Store,
        registry: Registry,
        driver: Driver,
        folder: Path,
        actor: str,
    ) -> None:
        """`folder` is the service's own place below the workspace."""
        self._plan = plan
        self._spec = plan.spec
        self._store = store
        self._registry = registry
        self._driver = driver
        self._folder = folder
        self._actor = actor
        self._stage = Stage.CHECK
        self._began = time.time()

    async def events(self, *, wait: bool, timeout: float | None) -> AsyncGenerator[Event, None]:
        """Everything that happens; the last event is `Finished` or `RunFailed`.

        With `wait` False it ends once the target has accepted the revision. `timeout` bounds the
        wait for the service to come up, in seconds.
        """
        try:
            self._refuse_blocked(self._plan.preflight)
            await asyncio.to_thread(self._begin)
            for part in (self._bundle, self._environment, self._apply):
                async for event in part():
                    yield event
            if wait:
                async for event in self._start(timeout):
                    yield event
                await asyncio.to_thread(self._claim, *self._spec.models)
            yield Finished(service=self._service())
        except (PilothouseError, OSError) as caught:
            error = caught if isinstance(caught, PilothouseError) else _unusable(caught)
            await asyncio.to_thread(self._failed, error)
            yield RunFailed(
                stage=self._stage, error=error, service=self._store.find(self._spec.name)
            )

    def _refuse_blocked(self, checks: tuple[Preflight, ...]) -> None:
        blocked = [check for check in checks if check.blocking and not check.ok]
        if not blocked:
            return
        self._begin()
        what = "; ".join(check.detail for check in blocked)
        raise Unschedulable(what, fix=" ".join(check.fix for check in blocked if check.fix))

    def _begin(self) -> None:
        plan, spec = self._plan, self._spec
        revision = Revision(
            number=spec.revision,
            created=time.time(),
            actor=self._actor,
            spec=spec,
            inference=plan.inference,
            deployment=replace(plan.deployment, primary_key="", secondary_key=""),
            note=next((n for n in plan.notes if n.startswith("rollback")), plan.kind),
        )
        before = self._store.find(spec.name)
        self._store.put_revision(revision, plan.deployment.compute_type.value)
        self._claim(*(before.spec.models if before else ()), *spec.models)
        models = ", ".join(model.id for model in spec.models) or "no model"
        self._store.record(
            Transition(
                service=spec.name,
                at=time.time(),
                kind="deploy" if plan.kind in {"create", "replace"} else plan.kind,
                state=ServiceState.TRANSITIONING,
                reason=f"r{spec.revision}: {models}",
                revision=spec.revision,
                actor=self._actor,
            )
        )

    async def _bundle(self) -> AsyncGenerator[Event, None]:
        models = ", ".join(model.id for model in self._spec.models) or "no model"
        yield self._started(Stage.BUNDLE, models)
        root = self._folder / "revisions" / str(self._spec.revision) / "app"
        made = await asyncio.to_thread(
            stage_bundle, self._plan.source, root, self._registry.materialize
        )
        self._spec = replace(self._spec, bundle=made)
        yield await self._finished("kept" if made != root else models)

    async def _environment(self) -> AsyncGenerator[Event, None]:
        environment = self._plan.environment
        if self._driver.capabilities.images:
            async for event in self._images():
                yield event
            return
        if environment is None or not environment.needs_build:
            return
        from backends.images.venv import Built, build

        yield self._started(Stage.ENVIRONMENT, f"{environment.key[:12]}")
        detail = ""
        lines = build(environment)
        try:
            async for item in lines:
                if isinstance(item, Built):
                    self._spec = replace(self._spec, interpreter=item.interpreter)
                    detail = f"{'cached' if item.cached else 'built'} {environment.key[:12]}"
                else:
                    yield StageOutput(stage=Stage.ENVIRONMENT, line=item.text)
        finally:
            await lines.aclose()
        yield await self._finished(detail)

    async def _images(self) -> AsyncGenerator[Event, None]:
        """The environment's image, and the service's on top; a rollback has it already."""
        plan, before = self._plan, self._spec.image
        from backends.images.containers.building import environment_image, is_there, service_image

        delivery = await self._driver.delivery()
        kept = before and plan.environment is None and plan.source.keep
        if kept and await is_there(delivery, before or ""):
            return
        key = self._spec.environment_key[:12]
        yield self._started(Stage.ENVIRONMENT, key)
        made: list[Image] = []
        async for event in self._built(
            environment_image(delivery, plan.environment, self._spec), made
        ):
            yield event
        yield await self._finished(f"{'cached' if made[0].cached else 'built'} {key}")
        yield self._started(Stage.IMAGE, "models and source")
        async for event in self._built(service_image(delivery, made[0], self._spec), made):
            yield event
        python = made[1].labels.get(INTERPRETER)
        self._spec = replace(
            self._spec, image=made[1].reference, interpreter=Path(python) if python else None
        )
        yield await self._finished(made[1].reference)

    async def _built(
        self, items: "AsyncGenerator[Item, None]", made: "list[Image]"
    ) -> AsyncGenerator[Event, None]:
        """A build's steps and lines; its image goes to `made`."""
        from backends.images.containers.records import Image, StepFinished, StepStarted

        async with contextlib.aclosing(items):
            async for item in items:
                if isinstance(item, Image):
                    made.append(item)
                elif isinstance(item, StepStarted | StepFinished):
                    yield step_of(self._stage, item)
                else:
                    yield StageOutput(stage=self._stage, line=item.text)

    async def _apply(self) -> AsyncGenerator[Event, None]:
        spec = self._spec
        yield self._started(Stage.APPLY, f"r{spec.revision} on {spec.target}")
        await asyncio.to_thread(self._keep_spec)
        await self._driver.apply(spec, await self._keys() if spec.auth else None)
        kind = self._plan.deployment.compute_type.value
        await asyncio.to_thread(self._store.mark_applied, spec, kind)
        yield await self._finished(f"r{spec.revision} on {spec.target}")

    async def _start(self, timeout: float | None) -> AsyncGenerator[Event, None]:
        yield self._started(Stage.START, "import, init(), first health check")
        url = await self._address()
        statuses = self._driver.watch(self._spec.name)
        try:
            async with asyncio.timeout(timeout):
                async for status in statuses:
                    if not isinstance(status, Status):
                        raise ServiceFailed(f"The service went away: {status.reason}.")
                    change = await asyncio.to_thread(self._store.observe, status, url)
                    if change is not None:
                        yield StateChanged(transition=change)
                    if self._settled(status):
                        break
        except TimeoutError:
            raise WaitTimeout(
                f"Service '{self._spec.name}' is not Healthy after {timeout:g} s"
                f" ({self._service().state}: {self._service().reason}).",
                fix="It goes on; `pilothouse service wait` waits again, get-logs tells more.",
            ) from None
        finally:
            await statuses.aclose()
        yield await self._finished(f"r{self._spec.revision} answers")

    def _settled(self, status: Status) -> bool:
        """True when this revision serves; raises when it never will."""
        if status.rolling_out is not None:
            return False
        if status.state is ServiceState.HEALTHY:
            return status.serving == self._spec.revision
        if status.state in {ServiceState.FAILED, ServiceState.UNSCHEDULABLE, ServiceState.STOPPED}:
            raise _service_failed(status)
        if status.state is ServiceState.UNHEALTHY and status.serving not in {
            None,
            self._spec.revision,
        }:
            raise _service_failed(status)
        return False

    async def _keys(self) -> Keys:
        said = self._plan.deployment
        if said.primary_key and said.secondary_key:
            return Keys(said.primary_key, said.secondary_key)
        old = Keys("", "")
        if self._store.applied(self._spec.name):
            try:
                old = await self._driver.keys(self._spec.name)
            except PilothouseError:
                old = Keys("", "")
        return Keys(
            said.primary_key or old.primary or new_key(),
            said.secondary_key or old.secondary or new_key(),
        )

    async def _address(self) -> str | None:
        if self._driver.capabilities.tunnel:  # an endpoint may be a tunnel that ends with us
            found = await self._driver.services()
            return next((one.url for one in found if one.spec.name == self._spec.name), None)
        async with self._driver.endpoint(self._spec.name) as endpoint:
            return endpoint.url

    def _claim(self, *models: ModelRef) -> None:
        """While a rollout may still fail, the models of what serves are in use as well."""
        hold(self._registry, self._spec.name, models)

    def _keep_spec(self) -> None:
        """The stored revision gets the bundle and interpreter that were made for it."""
        for stored in self._store.revisions(self._spec.name):
            if stored.number == self._spec.revision:
                self._store.put_revision(
                    replace(stored, spec=self._spec), self._plan.deployment.compute_type.value
                )

    def _started(self, stage: Stage, detail: str) -> StageStarted:
        self._stage, self._began = stage, time.time()
        return StageStarted(
            stage=stage,
            detail=detail,
            at=self._began,
            usual_seconds=self._store.usual(stage, self._spec.name),
        )

    async def _finished(self, detail: str) -> StageFinished:
        seconds = time.time() - self._began
        timing = StageTiming(
            revision=self._spec.revision,
            stage=self._stage,
            started=self._began,
            seconds=seconds,
            detail=detail,
        )
        await asyncio.to_thread(self._store.add_stage, self._spec.name, timing)
        return StageFinished(stage=self._stage, detail=detail, seconds=seconds)

    def _failed(self, error: PilothouseError) -> None:
        """A service that never ran is now Failed; one that did keeps what it serves."""
        if isinstance(error, WaitTimeout) or self._stage is Stage.START:
            return
        unschedulable = isinstance(error, Unschedulable)
        status = Status(
            service=self._spec.name,
            state=ServiceState.UNSCHEDULABLE if unschedulable else ServiceState.FAILED,
            reason=error.what,
            at=time.time(),
            wanted=self._spec.replicas,
            evidence=Evidence(
                stage=self._stage.value, last_lines=tuple(error.detail.splitlines()[-200:])
            ),
        )
        if not self._store.applied(self._spec.name):
            self._store.observe(status)
            return
        self._claim(*self._service().spec.models)
        self._store.record(
            Transition(
                service=self._spec.name,
                at=status.at,
                kind=f"{self._plan.kind} failed",
                state=self._service().state,
                reason=error.what,
                revision=self._spec.revision,
                actor=self._actor,
                evidence=status.evidence,
            )
        )

    def _service(self) -> Service:
        return self._store.service(self._spec.name)


def step_of(stage: Stage, said: "StepStarted | StepFinished") -> StageStep:
    """A build's step as an event of the rollout."""
    step = StageStep(stage=stage, number=said.number, title=said.title, at=time.time())
    seconds = getattr(said, "seconds", None)
    if seconds is None:
        return step
    return replace(
        step, seconds=seconds, size=getattr(said, "size", 0), cached=getattr(said, "cached", False)
    )


def new_key() -> str:
    """A random key."""
    import secrets

    return secrets.token_urlsafe(KEY_BYTES)


def _unusable(error: OSError) -> Unavailable:
    return Unavailable(
        f"{error.filename or 'This machine'}: {error.strerror or error}.",
        fix="Check the path, its rights and the disk.",
    )


def _service_failed(status: Status) -> ServiceFailed:
    evidence = status.evidence
    detail = evidence.traceback or "\n".join(evidence.last_lines)
    return ServiceFailed(
        f"Service '{status.service}' is {status.state}: {status.reason}",
        fix=f"`pilothouse service get-logs -n {status.service}` shows its log.",
        detail=detail,
    )
