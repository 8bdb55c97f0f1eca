"""From a config file's values to the form's texts, as written: what is wrong is kept, too."""

from collections.abc import Mapping, Sequence

from backends.configs.deployment_fields import COMPUTE_TYPE, DEPLOYMENT_FIELDS, compute_type
from backends.configs.field import Field
from backends.configs.inference import inference_as_flags
from backends.configs.nodes import Node
from backends.configs.records import CondaSpec, InferenceConfig
from backends.targets.catalog import TargetRecord, compute_word
from console.app.wizard import steps
from console.app.wizard.steps import TYPED, Answers, Packages

Found = Mapping[str, Node]

_FLAT = (*steps.ENTRY, *steps.IMAGE, steps.RUNTIME, steps.CONDA_FILE)


def inference_texts(found: Found, config: InferenceConfig | None) -> dict[str, str]:
    """The texts of an inference config; all of its fields, so that none is left from before."""
    values = {row.name: _text_at(found, row) for row in _FLAT}
    environment = _section(found, "environment")
    values |= {
        "environment_name": _scalar(environment.get("name")),
        "environment_version": _scalar(environment.get("version")),
        "environment_variables": _text_at(environment, steps.VARIABLES),
        "docker_base_image": _text_at(environment, steps.INLINE_IMAGE),
        "answers": Answers.SCRIPT,
        "packages": _packages(found, config),
    }
    inline = _section(_section(environment, "python"), "condaDependencies")
    return values | conda_texts(inline)


def of_inference(config: InferenceConfig) -> dict[str, str]:
    """The texts of an inference config that no file holds, its inline environment included."""
    values = inference_as_flags(config)
    environment = config.environment
    if environment is None:
        return values | {"packages": Packages.CONDA if config.conda_file else Packages.SERVER}
    if environment.reference:
        return values | {"packages": Packages.NAMED}
    conda = environment.conda or CondaSpec()
    return values | {
        "packages": Packages.INLINE,
        "environment_name": environment.name,
        "environment_variables": "\n".join(f"{k}={v}" for k, v in environment.variables.items()),
        "docker_base_image": environment.base_image,
        "conda_packages": "\n".join(conda.packages),
        "pip_packages": "\n".join(conda.pip),
    }


def deployment_texts(found: Found, targets: Sequence[TargetRecord], chosen: str) -> dict[str, str]:
    """The texts of a deployment config, and the target that it means."""
    rows = {row.name: row for row in DEPLOYMENT_FIELDS if row.kind in TYPED}
    values = {name: _text_at(found, row) for name, row in rows.items() if name != "compute_target"}
    values.pop(COMPUTE_TYPE.name, None)
    word = _scalar(found.get(COMPUTE_TYPE.key))
    named = _scalar(found.get("computeTargetName"))
    values["target"] = _target(word, named, targets, chosen)
    return values


def conda_texts(found: Found) -> dict[str, str]:
    """The lists of a conda file's packages and of pip's requirements, one a line."""
    packages: list[str] = []
    pip: list[str] = []
    for item in _items(found.get("dependencies")):
        if isinstance(item.value, Mapping):
            pip += _lines(item.value.get("pip"))
        else:
            packages.append(item.text)
    return {"conda_packages": "\n".join(packages), "pip_packages": "\n".join(pip)}


def _packages(found: Found, config: InferenceConfig | None) -> Packages:
    node = found.get("environment")
    if node is not None and node.value is not None:
        environment = config.environment if config else None
        keys = node.value.keys() if isinstance(node.value, Mapping) else {"name"}
        reference = environment.reference if environment else keys <= {"name", "version"}
        return Packages.NAMED if reference else Packages.INLINE
    conda = found.get("condaFile")
    return Packages.CONDA if conda is not None and conda.text else Packages.SERVER


def _target(word: str, named: str, targets: Sequence[TargetRecord], chosen: str) -> str:
    """A target's name, or `=TYPE` when none of that type is attached."""
    if any(known.name == named for known in targets):
        return named
    kind = compute_type(word)
    alike = [known.name for known in targets if compute_type(compute_word(known.kind)) is kind]
    if kind is None or chosen in alike:
        return chosen
    return alike[0] if alike else f"={kind.value}"


def _text_at(found: Found, row: Field) -> str:
    level: Found = found
    *parents, last = row.key.split(".")
    for number, parent in enumerate(parents):
        node = level.get(parent)
        short = row.shorthand and number == len(parents) - 1
        if short and node is not None and isinstance(node.value, str):
            return node.text
        level = _section(level, parent)
    for key, node in level.items():
        if key in {last, *row.aliases} or (row.any_case and key.casefold() == last.casefold()):
            return _scalar(node)
    return ""


def _scalar(node: Node | None) -> str:
    """A value as a form holds it: a mapping and a list one entry a line; null is nothing."""
    if node is None or node.value is None:
        return ""
    if isinstance(node.value, Mapping):
        return "\n".join(f"{key}={child.text}" for key, child in node.value.items())
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return "\n".join(_lines(node)) if isinstance(node.value, tuple) else node.text


def _section(found: Found, key: str) -> Found:
    node = found.get(key)
    return node.value if node is not None and isinstance(node.value, Mapping) else {}


def _lines(node: Node | None) -> list[str]:
    return [item.text for item in _items(node)]


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.value if node is not None and isinstance(node.value, tuple) else ()
