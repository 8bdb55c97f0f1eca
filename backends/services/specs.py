"""The spec of a revision, made of its configs; and what differs between two specs."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict, replace

from backends.configs.records import (
    AutoScale,
    ComputeType,
    DeploymentConfig,
    InferenceConfig,
)
from backends.images.environment import EnvironmentPlan
from backends.registry.records import ModelVersion
from backends.services.records import Change, DeployRequest
from backends.targets.records import (
    Autoscale,
    Cluster,
    Limits,
    Liveness,
    ModelRef,
    Resources,
    ServiceSpec,
)

AUTH_BY_DEFAULT = frozenset({ComputeType.AKS})
"""Compute types whose services want a key unless told otherwise."""

ROUTED = frozenset({ComputeType.AKS})
"""Compute types whose v1 router refused requests that waited too long; elsewhere they waited."""

AKS_REQUESTS = (0.1, 0.5)
"""Cores and GB that v1 asked a cluster for where a config did not say."""

NOT_COMPARED = frozenset(
    {"revision", "bundle", "interpreter", "image", "workspace", "name", "sample"}
)


def make(
    *,
    workspace: str,
    request: DeployRequest,
    target: str,
    revision: int,
    models: tuple[ModelRef, ...],
    inference: InferenceConfig | None,
    deployment: DeploymentConfig,
    environment: EnvironmentPlan | None,
    builtin: str | None,
    versions: tuple[ModelVersion, ...],
    before: ServiceSpec | None,
) -> ServiceSpec:
    """One revision's spec; interpreter and bundle are filled in when they are made.

    What an update leaves unsaid is taken from `before`, not from the config that was deployed
    first: tags, properties and description may have been changed since.
    """
    said = deployment if before is None else request.deployment
    said = said or DeploymentConfig(compute_type=deployment.compute_type)
    kept = before if before is not None and before.models == models and not versions else None
    spec = ServiceSpec(
        workspace=workspace,
        name=request.name,
        revision=revision,
        target=target,
        models=models,
        builtin=builtin,
        resources=_resources(deployment, versions, kept, builtin),
        limits=_limits(deployment),
        replicas=deployment.replicas or 1,
        port=deployment.port or (before.port if before else None),
        auth=_auth(deployment),
        collect_data=bool(deployment.collect_data),
        cluster=_cluster(deployment),
        sample=_sample(versions, kept),
        tags=_tags(request, said, before),
        properties={
            **(before.properties if before else {}),
            **said.properties,
            **request.properties,
        },
        description=request.description
        or said.description
        or (before.description if before else ""),
    )
    spec = _with_environment(spec, environment, before)
    return _with_code(spec, request, inference, before)


def _cluster(said: DeploymentConfig) -> Cluster | None:
    if said.compute_type is not ComputeType.AKS:
        return None
    follows = said.autoscale.enabled or (said.autoscale.enabled is None and not said.replicas)
    return Cluster(
        namespace=said.namespace,
        autoscale=_autoscale(said.autoscale) if follows else None,
        liveness=Liveness(
            **{name: number for name, number in asdict(said.probe).items() if number}
        ),
    )


def _autoscale(said: AutoScale) -> Autoscale:
    wanted = {
        "minimum": said.min_replicas,
        "maximum": said.max_replicas,
        "utilization": said.target_utilization,
        "refresh_seconds": said.refresh_seconds,
    }
    return Autoscale(**{name: number for name, number in wanted.items() if number is not None})


def deployment_of(spec: ServiceSpec, compute_type: str) -> DeploymentConfig:
    """The deployment config that would give this spec, for a service found on its target."""
    return DeploymentConfig(
        compute_type=ComputeType(compute_type),
        resources=spec.resources,
        port=spec.port,
        auth_enabled=spec.auth,
        collect_data=spec.collect_data,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        concurrency=spec.limits.concurrency,
        queue_wait_ms=spec.limits.queue_wait_ms,
        replicas=spec.replicas,
    )


def changes(before: ServiceSpec | None, after: ServiceSpec) -> tuple[Change, ...]:
    """What differs for a person; against nothing, no change is listed."""
    if before is None:
        return ()
    found = []
    for name in ServiceSpec.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name not in NOT_COMPARED and old != new:
            found.append(Change(field=name, before=_text(old), after=_text(new)))
    return tuple(found)


def _with_environment(
    spec: ServiceSpec, environment: EnvironmentPlan | None, before: ServiceSpec | None
) -> ServiceSpec:
    if environment is not None:
        return replace(spec, environment_key=environment.key, variables=dict(environment.variables))
    if before is None:
        return spec
    return replace(
        spec,
        environment_key=before.environment_key,
        variables=before.variables,
        interpreter=before.interpreter,
        image=before.image,
    )


def _with_code(
    spec: ServiceSpec,
    request: DeployRequest,
    inference: InferenceConfig | None,
    before: ServiceSpec | None,
) -> ServiceSpec:
    if spec.builtin is None and request.inference is None and before is not None:
        return replace(
            spec, entry_script=before.entry_script, source_directory=before.source_directory
        )
    if spec.builtin is not None or inference is None:
        return spec
    script = Path(inference.entry_script)
    if not inference.source_directory:
        return replace(spec, entry_script=script.name)
    base = Path(request.base) if request.base else Path.cwd()
    folder = (base / inference.source_directory).resolve()
    inside = (folder / script).resolve().relative_to(folder)
    return replace(
        spec,
        entry_script=f"{folder.name}/{inside.as_posix()}",
        source_directory=folder.name,
    )


def _resources(
    deployment: DeploymentConfig,
    versions: tuple[ModelVersion, ...],
    kept: ServiceSpec | None,
    builtin: str | None,
) -> Resources:
    """A no-code model's own resource configuration fills what the deployment leaves unsaid."""
    own = versions[0].resources if versions else kept.resources if kept else None
    said = deployment.resources
    if builtin is not None and own is not None:
        said = _filled(said, own.cpu, own.memory_gb, own.gpu)
    if deployment.compute_type is ComputeType.AKS:
        return _filled(said, *AKS_REQUESTS, None)
    return said


def _filled(
    said: Resources, cpu: float | None, memory_gb: float | None, gpu: int | None
) -> Resources:
    return replace(
        said,
        cpu=said.cpu if said.cpu is not None else cpu,
        memory_gb=said.memory_gb if said.memory_gb is not None else memory_gb,
        gpu=said.gpu if said.gpu is not None else gpu,
    )


def _limits(deployment: DeploymentConfig) -> Limits:
    default = Limits()
    timeout = deployment.scoring_timeout_ms or default.scoring_timeout_ms
    routed = deployment.compute_type in ROUTED
    return replace(
        default,
        concurrency=deployment.concurrency or default.concurrency,
        queue_wait_ms=deployment.queue_wait_ms or (default.queue_wait_ms if routed else timeout),
        scoring_timeout_ms=timeout,
    )


def _auth(deployment: DeploymentConfig) -> bool:
    if deployment.token_auth_enabled:
        return True  # a token is a key that ends; nothing here gives out tokens
    if deployment.auth_enabled is None:
        return deployment.compute_type in AUTH_BY_DEFAULT
    return deployment.auth_enabled


def _tags(
    request: DeployRequest, deployment: DeploymentConfig, before: ServiceSpec | None
) -> dict[str, str]:
    tags = {**(before.tags if before else {}), **deployment.tags, **request.tags}
    return {key: value for key, value in tags.items() if key not in request.remove_tags}


def _sample(versions: tuple[ModelVersion, ...], kept: ServiceSpec | None) -> str | None:
    bodies = (v.sample_input for v in versions if _is_body(v.sample_input))
    return next(bodies, kept.sample if kept else None)


def _is_body(sample: str) -> bool:
    """A stored sample may be a request body or the id of a dataset."""
    return sample.lstrip().startswith(("{", "["))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(m.id if isinstance(m, ModelRef) else str(m) for m in value) or "none"
    if isinstance(value, Struct):
        pairs = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return " ".join(f"{name}={item}" for name, item in pairs if item is not None) or "none"
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return "none" if value in {None, ""} else str(value)
