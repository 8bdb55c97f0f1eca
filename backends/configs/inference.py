"""The inference config: entry script and environment."""

from collections.abc import Mapping
from pathlib import Path

from backends.configs import building, documents
from backends.configs.environment import (
    environment_from,
    environment_mapping,
    read_environment_directory,
)
from backends.configs.field import Kind
from backends.configs.fields import INFERENCE_FIELDS
from backends.configs.inference_checks import check_inference
from backends.configs.reader import Reader
from backends.configs.records import Environment, InferenceConfig, Parsed
from backends.configs.report import Report

__all__ = [
    "check_inference",
    "emit_inference",
    "inference_as_flags",
    "inference_with_flags",
    "parse_inference",
    "read_inference",
]

NO_FLAGS: Mapping[str, str] = {}
_FLAT = (
    "runtime",
    "conda_file",
    "extra_docker_steps",
    "enable_gpu",
    "cuda_version",
    "base_image",
    "image_registry.address",
    "image_registry.username",
    "image_registry.password",
)
"""The 2019 form: what an environment says better."""
_ENVIRONMENT_FLAGS = ("environment_name", "environment_version", "environment_directory")


def read_inference(path: Path, flags: Mapping[str, str] = NO_FLAGS) -> Parsed[InferenceConfig]:
    """Read an inference config's file; what cannot be read is a problem, not an exception."""
    report = Report(str(path))
    data = documents.read(path, report)
    if data is None:
        return report.parsed(None, path)
    return _parse(data, report, flags, path)


def parse_inference(
    text: str | bytes, file: str, flags: Mapping[str, str] = NO_FLAGS
) -> Parsed[InferenceConfig]:
    """Parse an inference config, JSON or YAML.

    Args:
        text: The file's content.
        file: Its name, for problems.
        flags: Typed texts by field name; they win over the file, save that its environment
            wins over a flag's.
    """
    return _parse(text, Report(file), flags, None)


def inference_with_flags(
    config: InferenceConfig | None, flags: Mapping[str, str]
) -> Parsed[InferenceConfig]:
    """Lay flags over a config, or over none.

    Args:
        config: None when there is no file.
        flags: Typed texts by field name (`entry_script`, `environment_name`) or attribute path.
    """
    report = Report("flags" if config is None else "inference config")
    reader = _reader(report)
    if config is not None:
        reader.take(config)
    return _finish(reader, report, flags, None)


def inference_as_flags(config: InferenceConfig) -> dict[str, str]:
    """Return a config as typed texts by field name; a referenced environment by its name."""
    texts = building.typed(_values(config), INFERENCE_FIELDS)
    if config.environment is not None and config.environment.reference:
        texts["environment_name"] = config.environment.name
        texts["environment_version"] = config.environment.version
    return {name: text for name, text in texts.items() if text}


def emit_inference(config: InferenceConfig, *, secrets: bool = False) -> str:
    """Write a config as JSON with v1's names and order; the registry's password when asked."""
    values = _values(config)
    if config.environment is not None:
        values["environment"] = environment_mapping(config.environment, secrets=secrets)
    return building.as_json(building.file_mapping(values, INFERENCE_FIELDS, secrets=secrets))


def _values(config: InferenceConfig) -> dict[str, object]:
    return building.values_of(config, INFERENCE_FIELDS, InferenceConfig())


def _parse(
    text: str | bytes, report: Report, flags: Mapping[str, str], path: Path | None
) -> Parsed[InferenceConfig]:
    root = documents.load(text, report)
    if root is None:
        return report.parsed(None, path)
    reader = _reader(report)
    reader.read(root)
    if not isinstance(root.value, Mapping):
        return report.parsed(None, path)
    return _finish(reader, report, flags, path)


def _reader(report: Report) -> Reader:
    return Reader(
        report,
        INFERENCE_FIELDS,
        owner="an inference config",
        converters={Kind.ENVIRONMENT: environment_from},
    )


def _finish(
    reader: Reader, report: Report, flags: Mapping[str, str], path: Path | None
) -> Parsed[InferenceConfig]:
    plain = {name: text for name, text in flags.items() if name not in _ENVIRONMENT_FLAGS}
    reader.flags(plain)
    reader.require()
    environment = reader.values.get("environment") or _flagged_environment(flags, report)
    if environment is not None or "environment" in reader.found:
        _environment_wins(reader, report)
    _flat_rules(reader, report)
    values = reader.values | {"environment": environment}
    if report.failed:
        return report.parsed(None, path)
    return report.parsed(InferenceConfig(**building.arguments(values)), path)


def _flagged_environment(flags: Mapping[str, str], report: Report) -> Environment | None:
    name, version, folder = (flags.get(flag, "").strip() for flag in _ENVIRONMENT_FLAGS)
    if name:
        return Environment(name=name, version=version, reference=True)
    if not folder:
        return None
    saved = read_environment_directory(Path(folder))
    report.problems.extend(saved.problems)
    return saved.config


def _environment_wins(reader: Reader, report: Report) -> None:
    for path in _FLAT:
        found = reader.found.get(path)
        if found is None:
            continue
        reader.drop(path)
        if not building.unsaid(found.value) and found.value is not False:
            report.warning(
                f"{found.field.key} is ignored: the environment says what is used.",
                file=found.file,
                line=found.line,
                key=found.field.key,
                found="hidden" if found.field.secret else str(found.value),
                allowed="either an environment or the keys of the 2019 form",
            )


def _flat_rules(reader: Reader, report: Report) -> None:
    values = reader.values
    runtime = values.get("runtime") or "python"
    if values.get("base_image") and runtime != "python":
        _breach(
            reader, report, "base_image", f"needs runtime python, and it is {runtime}", "python"
        )
    _registry_login(reader, report)


def _registry_login(reader: Reader, report: Report) -> None:
    """A private registry needs all three; a file without its secret may still be read."""
    values = reader.values
    address, username, password = (values.get(path) for path in _FLAT[-3:])
    allowed = "address, username and password, or the address alone"
    if password and not (address and username):
        _breach(reader, report, _FLAT[-1], "needs address and username beside it", allowed)
    elif username and not address:
        _breach(reader, report, _FLAT[-2], "needs address and password beside it", allowed)
    elif username and not password:
        found = reader.found[_FLAT[-2]]
        report.warning(
            f"{found.field.key} has no password beside it; the image is pulled without a login.",
            file=found.file,
            line=found.line,
            key=found.field.key,
            found=str(username),
            allowed=allowed,
        )


def _breach(reader: Reader, report: Report, path: str, message: str, allowed: str) -> None:
    found = reader.found[path]
    report.error(
        f"{found.field.key} {message}.",
        file=found.file,
        line=found.line,
        key=found.field.key,
        found="hidden" if found.field.secret else str(found.value),
        allowed=allowed,
    )
