"""The environment: packages, variables and base image of a model."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from backends.configs import building, documents
from backends.configs.conda import conda_from, conda_mapping, emit_conda, read_conda
from backends.configs.field import Kind
from backends.configs.fields import ENVIRONMENT_FIELDS
from backends.configs.nodes import Malformed, Node
from backends.configs.reader import Reader
from backends.configs.records import CondaSpec, Environment, Parsed
from backends.configs.report import Report, dotted

DEFINITION = "azureml_environment.json"
CONDA = "conda_dependencies.yml"
DOCKERFILE = "BaseDockerfile"


def parse_environment(text: str | bytes, file: str) -> Parsed[Environment]:
    """Parse an environment's JSON (or YAML)."""
    report = Report(file)
    root = documents.load(text, report)
    return report.parsed(environment_from(root, report, "") if root is not None else None)


def emit_environment(environment: Environment, *, secrets: bool = False) -> str:
    """Write an environment as JSON; the registry's password only when asked."""
    return building.as_json(environment_mapping(environment, secrets=secrets))


def read_environment_directory(path: Path) -> Parsed[Environment]:
    """Read a saved environment; its conda file and Dockerfile overrule the parts inside."""
    report = Report(str(path / DEFINITION))
    data = documents.read(path / DEFINITION, report)
    root = documents.load(data, report) if data is not None else None
    environment = environment_from(root, report, "") if root is not None else None
    if environment is None:
        return report.parsed(None, path)
    if (path / CONDA).exists():
        conda = read_conda(path / CONDA)
        report.problems.extend(conda.problems)
        environment = replace(environment, conda=conda.config, conda_file="", reference=False)
    if (path / DOCKERFILE).exists():
        environment = _with_dockerfile(environment, path / DOCKERFILE, report)
    return report.parsed(environment, path)


def write_environment_directory(environment: Environment, path: Path) -> None:
    """Save an environment so that `read_environment_directory` reads it back.

    The registry's password is left out.

    Raises:
        OSError: The folder cannot be written.
    """
    path.mkdir(parents=True, exist_ok=True)
    (path / DEFINITION).write_text(emit_environment(environment), encoding="utf-8")
    parts = {
        CONDA: emit_conda(environment.conda) if environment.conda is not None else "",
        DOCKERFILE: environment.base_dockerfile,
    }
    for name, text in parts.items():
        if text:
            (path / name).write_text(text, encoding="utf-8", newline="")
        else:
            (path / name).unlink(missing_ok=True)


def environment_from(node: Node, report: Report, key: str) -> Environment | None:
    """Read an environment from a node; `key` is its dotted path in the file."""
    before = len(report.problems)
    reader = Reader(report, ENVIRONMENT_FIELDS, converters={Kind.CONDA: conda_from})
    reader.read(node, base=key)
    if not isinstance(node.value, Mapping):
        return None
    values = {path: v for path, v in reader.values.items() if not building.unsaid(v)}
    _one_base(reader, values, report, key)
    _one_conda(reader, values, report, key)
    reference = set(_said(node)) <= {"name", "version"} and "name" in values
    if not values and len(report.problems) == before:
        _empty(node, report, key)
    return Environment(**building.arguments(values), reference=reference)


def environment_mapping(environment: Environment, *, secrets: bool) -> dict[str, object]:
    """Return what an environment's JSON holds, in v1's order."""
    values = building.values_of(environment, ENVIRONMENT_FIELDS, Environment())
    if not environment.reference:
        values["user_managed"] = environment.user_managed
    if isinstance(environment.conda, CondaSpec):
        values["conda"] = conda_mapping(environment.conda)
    return building.file_mapping(values, ENVIRONMENT_FIELDS, secrets=secrets)


def _said(node: Node) -> tuple[str, ...]:
    """Keys whose value is not null."""
    assert isinstance(node.value, Mapping), "the caller looked"
    return tuple(name for name, child in node.value.items() if child.value is not None)


def _one_base(reader: Reader, values: Mapping[str, object], report: Report, key: str) -> None:
    bases = ("base_image", "base_dockerfile", "other.docker.buildContext")
    given = [path for path in bases if path in values]
    if len(given) > 1:
        names = " and ".join(reader.found[path].field.key for path in given)
        report.error(
            f"{names} cannot stand together; keep one.",
            line=reader.found[given[1]].line,
            key=dotted(key, reader.found[given[1]].field.key),
            found="more than one base",
            allowed="one of docker.baseImage, docker.baseDockerfile, docker.buildContext",
        )


def _one_conda(reader: Reader, values: dict[str, object], report: Report, key: str) -> None:
    if "conda" in values and "conda_file" in values:
        report.warning(
            "python.condaDependenciesFile stands beside python.condaDependencies; the file counts.",
            line=reader.found["conda"].line,
            key=dotted(key, "python.condaDependencies"),
            found="both",
            allowed="one of them",
        )
        del values["conda"]


def _empty(node: Node, report: Report, key: str) -> None:
    report.warning(
        f"{key or 'The environment'} says nothing: the default one is used.",
        line=node.line,
        key=key,
        found="an empty mapping",
        allowed="a name, or packages",
    )


def _with_dockerfile(environment: Environment, path: Path, report: Report) -> Environment:
    data = documents.read(path, report)
    if data is None:
        return environment
    try:
        text = documents.decode(data)
    except Malformed as fault:
        report.error(
            f"The file {fault.message}.",
            file=str(path),
            line=fault.line,
            found="bytes that are no text",
            allowed="a Dockerfile",
        )
        return environment
    return replace(environment, base_dockerfile=text, base_image="", reference=False)
