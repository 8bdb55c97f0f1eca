"""Plans: a wish checked against registry, configs and target, before anything is done."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from backends.configs.curated import curated
from backends.configs.inference_checks import check_inference
from backends.configs.records import (
    ComputeType,
    DeploymentConfig,
    Environment,
    InferenceConfig,
    Severity,
)
from backends.errors import Conflict, InvalidInput
from backends.images.bundle import BundleSource, model_dir
from backends.images.environment import EnvironmentPlan, plan_environment
from backends.registry.registry import Registry
from backends.services import specs
from backends.services.carried import Carried, base_folder, bundle_source, carry, no_code
from backends.services.command import deploy_command, service_command, update_command
from backends.services.environments import Environments
from backends.services.merging import merge_deployment
from backends.services.naming import check_name, derive_name
from backends.services.records import (
    DeployRequest,
    Plan,
    PlanStep,
    Revision,
    Service,
    Stage,
)
from backends.services.store import Store
from backends.services.targets import Targets
from backends.targets.catalog import TargetRecord
from backends.targets.records import ServiceSpec


class Planner:
    """Makes plans; changes nothing."""

    def __init__(
        self,
        workspace: str,
        registry: Registry,
        environments: Environments,
        targets: Targets,
        store: Store,
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._environments = environments
        self._targets = targets
        self._store = store

    async def deploy(self, request: DeployRequest) -> Plan:
        """A plan to create a service, or with `overwrite` to replace one.

        Raises:
            InvalidInput: a name, model, file or value is wrong.
            NotFound: a model, target or environment does not exist.
            Conflict: the service exists and `overwrite` is not said.
        """
        plan = await asyncio.to_thread(self._deploy, request)
        return await self._with_preflight(plan)

    async def update(self, name: str, request: DeployRequest) -> Plan:
        """A plan to bring a service to what the request names; the rest stays as it is."""
        plan = await asyncio.to_thread(self._update, name, request)
        return await self._with_preflight(plan)

    async def rollback(self, name: str, number: int | None) -> Plan:
        """A plan to apply an earlier revision again; None is the one before the present."""
        plan = await asyncio.to_thread(self._rollback, name, number)
        return await self._with_preflight(plan)

    def _deploy(self, request: DeployRequest) -> Plan:
        name, notes = self._name(request)
        existing = self._store.find(name)
        if existing is not None and not request.overwrite:
            raise Conflict(
                f"A service '{name}' exists already ({existing.state}).",
                fix="Use --overwrite to replace it, `pilothouse service update` to change it,"
                " or another name.",
            )
        carried = carry(request.models, self._registry)
        deployment = request.deployment
        if deployment is None:
            deployment, note = self._undescribed(request)
            notes += (note,)
        builtin = None if request.inference else no_code(carried)
        return self._plan(
            _Wish(
                request=replace(request, name=name),
                kind="replace" if existing else "create",
                carried=carried,
                inference=request.inference,
                deployment=deployment,
                builtin=builtin,
                before=existing,
                notes=notes,
            )
        )

    def _update(self, name: str, request: DeployRequest) -> Plan:
        service = self._store.service(name)
        running = self._running(service)
        _refuse_empty(request)
        carried = carry(request.models, self._registry) if request.models else None
        inference = request.inference or running.inference
        builtin = running.spec.builtin
        if request.inference is not None:
            builtin = None
        elif carried is not None and builtin is not None:
            builtin = no_code(carried)
        deployment = merge_deployment(
            running.deployment or specs.deployment_of(running.spec, service.compute_type),
            request.deployment,
        )
        return self._plan(
            _Wish(
                request=replace(request, name=name),
                kind="update",
                carried=carried,
                inference=inference,
                deployment=deployment,
                builtin=builtin,
                before=service,
                running=running,
            )
        )

    def _rollback(self, name: str, number: int | None) -> Plan:
        service = self._store.service(name)
        revisions = self._store.revisions(name)
        wanted = _earlier(revisions, service, number, self._store.answered(service))
        spec = replace(wanted.spec, revision=revisions[0].number + 1, port=service.spec.port)
        return Plan(
            request=DeployRequest(name=name, target=service.target),
            spec=spec,
            kind="rollback",
            inference=wanted.inference,
            deployment=wanted.deployment or specs.deployment_of(wanted.spec, service.compute_type),
            source=BundleSource(earlier=spec.bundle, keep=True),
            environment=None,
            steps=self._steps(spec, None, keep_bundle=True),
            changes=specs.changes(service.spec, spec),
            preflight=(),
            command=service_command(
                "rollback", name, self._workspace, "--revision", str(wanted.number)
            ),
            notes=(f"rollback to r{wanted.number}",),
        )

    def _plan(self, wish: "_Wish") -> Plan:
        request, carried, running = wish.request, wish.carried, wish.running
        target = self._target(request, wish.deployment, wish.before if running else None)
        images = self._targets.open(target.name).capabilities.images
        needs = wish.new_code or wish.builtin
        environment = self._environment(wish, containers=images) if needs else None
        source = bundle_source(request, wish.inference, carried, running, new_code=wish.new_code)
        spec = specs.make(
            workspace=self._workspace,
            request=request,
            target=target.name,
            revision=self.next_revision(request.name),
            models=source.models,
            inference=wish.inference,
            deployment=wish.deployment,
            environment=environment,
            builtin=wish.builtin,
            versions=carried.versions if carried else (),
            before=running.spec if running else None,
        )
        spec = replace(spec, model_dir=model_dir(source.models))
        command = update_command if wish.kind == "update" else deploy_command
        return Plan(
            request=request,
            spec=spec,
            kind=wish.kind,
            inference=wish.inference,
            deployment=wish.deployment,
            source=source,
            environment=environment,
            steps=self._steps(spec, environment, keep_bundle=source.keep),
            changes=specs.changes(wish.before.spec if wish.before else None, spec),
            preflight=(),
            command=command(request.name, request, self._workspace),
            notes=(*wish.notes, *(environment.notes if environment else ())),
        )

    def _name(self, request: DeployRequest) -> tuple[str, tuple[str, ...]]:
        if request.name:
            return check_name(request.name), ()
        source = request.inference.source_directory if request.inference else ""
        script = request.inference.entry_script if request.inference else ""
        hints = [model.partition(":")[0] for model in request.models[:1]]
        hints += [str(base_folder(request) / source) if source else "", Path(script).stem]
        name = derive_name(hint for hint in hints if hint)
        return name, (f"no name given: the service is named '{name}'",)

    def _undescribed(self, request: DeployRequest) -> tuple[DeploymentConfig, str]:
        """Where nothing is deployed to a place that was named: the workspace's default target."""
        target = self._targets.get(request.target or self._targets.default())
        known = {self._targets.kind_of(compute.value): compute for compute in ComputeType}
        compute = known.get(target.kind, ComputeType.PROCESS)
        if compute is ComputeType.PROCESS:
            return DeploymentConfig(compute_type=compute), (
                "no deployment config: a process on this machine"
            )
        return (
            DeploymentConfig(compute_type=compute, compute_target=target.name),
            f"no deployment config: the target {target.name}",
        )

    def _target(
        self, request: DeployRequest, deployment: DeploymentConfig, existing: Service | None
    ) -> TargetRecord:
        if existing is not None:
            return self._targets.get(existing.target)
        name = request.target or deployment.compute_target
        if name:
            return self._targets.get(name)
        return self._targets.for_compute_type(deployment.compute_type.value)

    def _environment(self, wish: "_Wish", *, containers: bool) -> EnvironmentPlan | None:
        base = base_folder(wish.request)
        if wish.request.inference is not None:
            check_files(wish.request.inference, base, wish.request.inference_file)
        if wish.builtin is not None and wish.carried is None and wish.running is not None:
            return None
        versions = wish.carried.versions if wish.builtin and wish.carried else ()
        return plan_environment(
            wish.inference,
            base,
            builtin=wish.builtin,
            framework_version=versions[0].framework_version if versions else "",
            lookup=self._find_environment,
            containers=containers,
        )

    def _find_environment(self, name: str, version: str) -> Environment | None:
        return self._environments.find(name, version) or curated(name)

    def _running(self, service: Service) -> Revision:
        if not self._store.applied(service.name):
            raise Conflict(
                f"Service '{service.name}' is {service.state} and never reached its target:"
                " there is nothing to update.",
                fix="Deploy it again with `pilothouse model deploy --overwrite`.",
            )
        for revision in self._store.revisions(service.name):
            if revision.number == service.spec.revision:
                return revision
        raise Conflict(
            f"Revision {service.spec.revision} of '{service.name}' is not stored here.",
            fix="Deploy the service anew with `pilothouse model deploy --overwrite`.",
        )

    def next_revision(self, name: str) -> int:
        """The number of the revision that a plan made now would have (blocking)."""
        revisions = self._store.revisions(name)
        return revisions[0].number + 1 if revisions else 1

    def _steps(
        self, spec: ServiceSpec, environment: EnvironmentPlan | None, *, keep_bundle: bool
    ) -> tuple[PlanStep, ...]:
        def step(stage: Stage, action: str, detail: str) -> PlanStep:
            usual = self._store.usual(stage, spec.name)
            return PlanStep(stage=stage, action=action, detail=detail, usual_seconds=usual)

        models = ", ".join(model.id for model in spec.models) or "no model"
        steps = [step(Stage.BUNDLE, "keep" if keep_bundle else "create", models)]
        if environment is not None and environment.needs_build:
            detail = f"Python {environment.python}, {len(environment.requirements)} packages"
            steps.append(step(Stage.ENVIRONMENT, "build", f"{detail} ({environment.key[:12]})"))
        else:
            own = spec.interpreter is None and spec.image is None
            keep = "the server's own interpreter" if own else "as it is"
            steps.append(step(Stage.ENVIRONMENT, "reuse", keep))
        if environment is not None and environment.container is not None:
            steps.append(step(Stage.IMAGE, "build", "models and source on the environment"))
        elif spec.image:
            action = "reuse" if keep_bundle else "build"
            steps.append(step(Stage.IMAGE, action, f"from {spec.image}"))
        steps.append(step(Stage.APPLY, "create", f"r{spec.revision} on {spec.target}"))
        steps.append(step(Stage.START, "create", "import, init(), first health check"))
        return tuple(steps)

    async def _with_preflight(self, plan: Plan) -> Plan:
        driver = self._targets.open(plan.spec.target)
        return replace(plan, preflight=await driver.preflight(plan.spec))


class _Wish(Struct, frozen=True, kw_only=True):
    """A request with everything that it leaves unsaid filled in."""

    request: DeployRequest
    kind: str
    carried: Carried | None
    """None: the models that run stay."""
    inference: InferenceConfig | None
    deployment: DeploymentConfig
    builtin: str | None
    before: Service | None
    running: Revision | None = None
    """What an update starts from."""
    notes: tuple[str, ...] = ()

    @property
    def new_code(self) -> bool:
        """The source is read anew, not taken over from what runs."""
        return self.request.inference is not None or self.running is None


def check_files(inference: InferenceConfig, base: Path, file: str) -> None:
    """Refuse an inference config whose files are missing or wrong.

    Raises:
        InvalidInput: with all problems in the detail.
    """
    problems = check_inference(inference, base, file=file or "inference config")
    errors = [str(p) for p in problems if p.severity is Severity.ERROR]
    if errors:
        raise InvalidInput(
            errors[0] if len(errors) == 1 else f"{len(errors)} problems: {errors[0]}",
            fix="Correct the inference config or the files that it names.",
            detail="\n".join(errors),
        )


def _earlier(
    revisions: Sequence[Revision], service: Service, number: int | None, answered: frozenset[int]
) -> Revision:
    """The revision of that number; without one the newest other that ever answered."""
    made = [r for r in revisions if r.spec.bundle is not None]
    others = [r for r in made if r.number != service.spec.revision]
    if number is None and others:
        return next((r for r in others if r.number in answered), others[0])
    for revision in made:
        if revision.number == number:
            return revision
    known = ", ".join(f"r{r.number}" for r in others) or "none"
    asked = f"r{number}" if number is not None else "earlier revision"
    raise InvalidInput(
        f"Service '{service.name}' has no {asked} to roll back to (others: {known}).",
        fix="`pilothouse service show` names the revisions.",
    )


def _refuse_empty(request: DeployRequest) -> None:
    if request == DeployRequest(name=request.name, base=request.base, overwrite=request.overwrite):
        raise InvalidInput(
            "An update must name what changes: no parameters were given.",
            fix="Name models (-m), an inference config (--ic), or settings to change.",
        )
