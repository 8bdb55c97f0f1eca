"""The deployment config: what a target needs to host a service."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from backends.configs import building, deployment_rules, documents
from backends.configs.deployment_fields import (
    COMPUTE_TYPE,
    DEPLOYMENT_FIELDS,
    compute_type,
    fields_for,
)
from backends.configs.field import Mismatch
from backends.configs.nodes import Node
from backends.configs.reader import Reader, from_node
from backends.configs.records import ComputeType, DeploymentConfig, Parsed, Problem
from backends.configs.report import Report

NO_FLAGS: Mapping[str, str] = {}


def read_deployment(path: Path, flags: Mapping[str, str] = NO_FLAGS) -> Parsed[DeploymentConfig]:
    """Read a deployment config's file; what cannot be read is a problem, not an exception."""
    report = Report(str(path))
    data = documents.read(path, report)
    if data is None:
        return report.parsed(None, path)
    return _parse(data, report, flags, path)


def parse_deployment(
    text: str | bytes, file: str, flags: Mapping[str, str] = NO_FLAGS
) -> Parsed[DeploymentConfig]:
    """Parse a deployment config, JSON or YAML.

    Args:
        text: The file's content.
        file: Its name, for problems.
        flags: Typed texts by field name; they win over the file.
    """
    return _parse(text, Report(file), flags, None)


def deployment_with_flags(
    config: DeploymentConfig | None, flags: Mapping[str, str]
) -> Parsed[DeploymentConfig]:
    """Lay flags over a config.

    Args:
        config: None when there is no file; then the compute type is `process` unless a flag
            names another.
        flags: Typed texts by field name (`cpu_cores`) or attribute path; `true` and `false`
            in any case; tables as one `key=value` a line; empty is unsaid.
    """
    report = Report("flags" if config is None else "deployment config")
    kind = config.compute_type if config else ComputeType.PROCESS
    kind = _flagged_type(flags, report) or kind
    reader = _reader(kind, report)
    if config is not None:
        reader.take(config)
    return _finish(kind, reader, report, flags, None)


def deployment_as_flags(config: DeploymentConfig) -> dict[str, str]:
    """Return a config as typed texts by field name: what forms hold and flags would say.

    Secrets are among them.
    """
    fields = fields_for(config.compute_type)
    return building.typed(_values(config), fields)


def check_deployment(
    config: DeploymentConfig, base: Path, *, file: str = "deployment config"
) -> tuple[Problem, ...]:
    """Report the files that a config names and that are not there, relative to `base`."""
    report = Report(file)
    for field in fields_for(config.compute_type):
        if field.attribute in {"tls.certificate", "tls.key"}:
            name = str(building.value_at(config, field.attribute))
            if name and not (base / name).is_file():
                report.error(
                    f"{field.key} names {name}, which is not a file.",
                    key=field.key,
                    found=name,
                    allowed="a PEM file",
                )
    return tuple(report.problems)


def emit_deployment(config: DeploymentConfig, *, secrets: bool = False) -> str:
    """Write a config as JSON, in the order and with the names of v1; unsaid keys are left out.

    Args:
        config: What to write.
        secrets: Write keys and passwords too; without, the file reads back without them.
    """
    fields = fields_for(config.compute_type)
    return building.as_json(building.file_mapping(_values(config), fields, secrets=secrets))


def _parse(
    text: str | bytes, report: Report, flags: Mapping[str, str], path: Path | None
) -> Parsed[DeploymentConfig]:
    root = documents.load(text, report)
    if root is None:
        return report.parsed(None, path)
    kind = _flagged_type(flags, report) or _type(root, report)
    if kind is None:
        _check_rest(root, report)
        return report.parsed(None, path)
    reader = _reader(kind, report)
    reader.read(root)
    reader.drop(COMPUTE_TYPE.attribute)
    return _finish(kind, reader, report, flags, path)


def _check_rest(root: Node, report: Report) -> None:
    """Without a compute type: what is wrong with the other keys for any of them."""
    if isinstance(root.value, Mapping):
        rest = {key: node for key, node in root.value.items() if key != COMPUTE_TYPE.key}
        reader = Reader(report, DEPLOYMENT_FIELDS, owner="any compute type")
        reader.read(replace(root, value=rest))


def _finish(
    kind: ComputeType,
    reader: Reader,
    report: Report,
    flags: Mapping[str, str],
    path: Path | None,
) -> Parsed[DeploymentConfig]:
    names = {COMPUTE_TYPE.name, COMPUTE_TYPE.attribute}
    reader.flags({name: text for name, text in flags.items() if name not in names})
    reader.put(COMPUTE_TYPE, kind)
    reader.require()
    _replicas_left_out(kind, reader, report)
    deployment_rules.check(kind, reader.found, report)
    if report.failed:
        return report.parsed(None, path)
    return report.parsed(DeploymentConfig(**building.arguments(reader.values)), path)


def _reader(kind: ComputeType, report: Report) -> Reader:
    return Reader(
        report, fields_for(kind), foreign=DEPLOYMENT_FIELDS, owner=f"compute type {kind.value}"
    )


def _type(root: Node, report: Report) -> ComputeType | None:
    if not isinstance(root.value, Mapping):
        report.error(
            f"The file must be a mapping of keys to values, and is {root.kind}.",
            line=root.line,
            found=root.kind,
            allowed="a mapping with computeType",
        )
        return None
    node = root.value.get(COMPUTE_TYPE.key)
    if node is None or node.value in (None, ""):
        said = f"computeType is needed; it is one of {COMPUTE_TYPE.allowed}."
        report.error(
            said,
            line=root.line,
            key=COMPUTE_TYPE.key,
            found="nothing",
            allowed=COMPUTE_TYPE.allowed,
        )
        return None
    return _named_type(node, report)


def _named_type(node: Node, report: Report) -> ComputeType | None:
    try:
        return compute_type(str(COMPUTE_TYPE.settle(from_node(COMPUTE_TYPE.kind, node))))
    except Mismatch as mismatch:
        found = node.text or node.kind
        problem = COMPUTE_TYPE.problem(found, str(mismatch), file=report.file, line=node.line)
        report.problems.append(problem)
        return None


def _flagged_type(flags: Mapping[str, str], report: Report) -> ComputeType | None:
    text = flags.get(COMPUTE_TYPE.name, "")
    problem = COMPUTE_TYPE.check(text) if text.strip() else None
    if problem is not None:
        report.problems.append(problem)
    return compute_type(text)


def _replicas_left_out(kind: ComputeType, reader: Reader, report: Report) -> None:
    """`numReplicas: 0` of an AKS file leaves the number to the autoscaler, as the docs say."""
    found = reader.found.get("replicas")
    if kind is ComputeType.AKS and found is not None and found.value == 0:
        report.warning(
            "numReplicas is 0 and counts as not given: autoscaling decides.",
            file=found.file,
            line=found.line,
            key="numReplicas",
            found="0",
            allowed=found.field.allowed,
        )
        reader.drop("replicas")


def _values(config: DeploymentConfig) -> dict[str, object]:
    blank = DeploymentConfig(compute_type=config.compute_type)
    values = building.values_of(config, fields_for(config.compute_type), blank)
    return {COMPUTE_TYPE.attribute: config.compute_type.value} | values
