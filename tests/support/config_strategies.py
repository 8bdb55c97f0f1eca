"""Hypothesis strategies for every config that the rules allow."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from backends.configs import building
from backends.configs.fields import (
    ENVIRONMENT_FIELDS,
    Field,
    Kind,
    fields_for,
)
from backends.configs.records import (
    ComputeType,
    CondaSpec,
    DeploymentConfig,
    Environment,
    InferenceConfig,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ENTRY = TEXT.filter(lambda text: bool(text.strip()))
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(TEXT, JSON, min_size=1, max_size=3)
NAMESPACES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_SECTIONS = ("createOptions", "environmentVariables", "propertiesDesired")


def value(field: Field) -> st.SearchStrategy[Any]:
    """Return values that a field takes on its own."""
    if field.choices:
        return st.sampled_from(field.choices)
    if field.pattern:
        return NAMESPACES
    match field.kind:
        case Kind.SWITCH:
            return st.booleans()
        case Kind.INTEGER:
            return st.integers(1, int(field.maximum or 10**9))
        case Kind.NUMBER:
            return st.floats(0.01, 40) | st.integers(1, 40)
        case Kind.TABLE:
            return st.dictionaries(TEXT, TEXT, min_size=1, max_size=3)
        case Kind.LIST:
            return st.lists(TEXT, max_size=3).map(tuple)
        case Kind.RAW:
            return JSON.filter(lambda found: not building.unsaid(found))
        case Kind.CONDA:
            return conda_specs()
        case _:
            return TEXT


def conda_specs() -> st.SearchStrategy[CondaSpec]:
    """Return conda specifications."""
    entries = st.lists(ENTRY, max_size=4).map(tuple)
    return st.builds(
        CondaSpec,
        name=TEXT,
        channels=entries,
        packages=entries,
        pip=entries,
        variables=PAIRS,
        prefix=st.just("") | TEXT,
    )


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """Return environments: references, and whole ones with one base and one conda source."""
    if draw(st.booleans()):
        return Environment(name=draw(TEXT), version=draw(st.just("") | TEXT), reference=True)
    values = _some(draw, ENVIRONMENT_FIELDS)
    bases = ("base_image", "base_dockerfile", "other.docker.buildContext")
    _keep_one(draw, values, bases)
    _keep_one(draw, values, ("conda", "conda_file"))
    return Environment(**building.arguments(values))


@st.composite
def inference_configs(draw: st.DrawFn) -> InferenceConfig:
    """Return inference configs of both forms."""
    common: dict[str, Any] = {
        "entry_script": draw(TEXT),
        "source_directory": draw(st.just("") | TEXT),
        "description": draw(st.just("") | TEXT),
    }
    if draw(st.booleans()):
        return InferenceConfig(**common, environment=draw(environments()))
    registry = draw(st.sampled_from([(), ("address",), ("address", "username", "password")]))
    values: dict[str, Any] = {
        "runtime": draw(st.sampled_from(["", "python"])),
        "conda_file": draw(st.just("") | TEXT),
        "extra_docker_steps": draw(st.just("") | TEXT),
        "enable_gpu": draw(st.none() | st.booleans()),
        "cuda_version": draw(st.sampled_from(["", "9.0", "9.1", "10.0"])),
        "base_image": draw(st.just("") | TEXT),
    } | {f"image_registry.{part}": draw(TEXT) for part in registry}
    return InferenceConfig(**building.arguments(common | values))


@st.composite
def deployment_configs(draw: st.DrawFn) -> DeploymentConfig:
    """Return deployment configs of every type that hold the rules between fields."""
    kind = draw(st.sampled_from(list(ComputeType)))
    values = _some(draw, tuple(f for f in fields_for(kind) if f.attribute != "compute_type"))
    _raise_limits(values)
    if kind is ComputeType.AKS:
        _settle_scaling(draw, values)
        if values.get("auth_enabled"):
            values.pop("token_auth_enabled", None)
    if kind is ComputeType.ACI:
        _all_or_none(values, ("tls.enabled", "tls.certificate", "tls.key", "tls.cname"))
        _all_or_none(values, ("vault_base_url", "key_name", "key_version"))
        _all_or_none(values, ("vnet_name", "subnet_name"))
    if kind is ComputeType.IOT:
        values |= draw(_modules())
    return DeploymentConfig(**building.arguments({"compute_type": kind, **values}))


@st.composite
def _modules(draw: st.DrawFn) -> Mapping[str, object]:
    records = {
        "externalModules": ("moduleName", "imageLocation"),
        "acrCredentials": ("location", "user", "password"),
    }
    return {
        "extra.iotDeviceId": draw(ENTRY),
        "extra.amlModule.moduleName": draw(ENTRY),
        "extra.routes": draw(st.dictionaries(TEXT, TEXT, min_size=1, max_size=3)),
        **{f"extra.amlModule.{name}": draw(MAPPINGS) for name in _SECTIONS},
        **{
            f"extra.{name}": draw(
                st.lists(st.fixed_dictionaries(dict.fromkeys(parts, ENTRY)), min_size=1, max_size=2)
            )
            for name, parts in records.items()
        },
    }


def _some(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, object]:
    chosen = draw(st.lists(st.sampled_from(fields), max_size=10, unique_by=lambda f: f.attribute))
    return {field.attribute: draw(value(field)) for field in chosen}


def _keep_one(draw: st.DrawFn, values: dict[str, object], paths: tuple[str, ...]) -> None:
    given = [path for path in paths if path in values]
    kept = draw(st.sampled_from(given)) if given else None
    for path in given:
        if path != kept:
            del values[path]


def _all_or_none(values: dict[str, object], paths: tuple[str, ...]) -> None:
    if not all(path in values for path in paths):
        for path in paths:
            values.pop(path, None)


def _raise_limits(values: dict[str, object]) -> None:
    for name in ("cpu", "memory_gb"):
        request, limit = values.get(f"resources.{name}"), values.get(f"resources.{name}_limit")
        if isinstance(request, int | float) and isinstance(limit, int | float):
            values[f"resources.{name}_limit"] = max(request, limit)


def _settle_scaling(draw: st.DrawFn, values: dict[str, object]) -> None:
    if draw(st.booleans()):
        for path in [path for path in values if path.startswith("autoscale.")]:
            del values[path]
        return
    values.pop("replicas", None)
    values["autoscale.enabled"] = True
    low, high = values.get("autoscale.min_replicas"), values.get("autoscale.max_replicas")
    if isinstance(low, int) and isinstance(high, int):
        values["autoscale.min_replicas"] = min(low, high)
