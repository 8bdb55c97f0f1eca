"""From an inference config to the exact environment that has to be built for it."""

import hashlib
import json
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from backends.configs.records import CondaSpec, Environment, InferenceConfig
from backends.errors import InvalidInput, NotFound
from backends.images.container_plan import ContainerPlan, container_plan
from backends.images.interpreters import OWN
from backends.secrecy import repr_without

if TYPE_CHECKING:
    from backends.images.requirements import Requirements

_SKLEARN_NEEDS = ("joblib", "numpy", "pandas", "scipy")


class EnvironmentPlan(Struct, frozen=True, kw_only=True):
    """One environment, decided: equal keys mean the same folder, built once."""

    key: str
    """sha256, hex, of normalised requirements, options, local files, Python and platform."""
    python: str
    """Minor version, `3.11`."""
    requirements: tuple[str, ...] = ()
    """PEP 508 requirements, addresses and absolute paths, sorted."""
    pip_options: tuple[str, ...] = ()
    """Lines of a requirements file; an index address may hold a password."""
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was dropped, renamed or added, a sentence each."""
    needs_build: bool = True
    """False: nothing is built, `interpreter` (or the server's own) serves it."""
    interpreter: Path | None = None
    """A Python of this machine that the user manages; only where nothing is built."""
    container: ContainerPlan | None = None
    """Base and Docker steps; None for an environment of this machine."""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "pip_options")


def plan_environment(
    inference: InferenceConfig | None,
    base: Path,
    *,
    builtin: str | None,
    framework_version: str,
    lookup: Callable[[str, str], Environment | None],
    containers: bool = False,
) -> EnvironmentPlan:
    """Decide what the environment of a service consists of.

    Args:
        inference: The inference config; None for a no-code service.
        base: The folder that the config's relative paths start from.
        builtin: The no-code handler (onnx, sklearn, tensorflow) or None.
        framework_version: The model's, for a no-code service; may be empty.
        lookup: Gives a registered environment by name and version ("" is the newest).
        containers: The target runs images: the plan is for one.

    Raises:
        InvalidInput: a file or an entry of it is wrong.
        NotFound: a referenced environment exists neither here nor among the curated ones.
    """
    if containers:
        return _for_image(inference, base, builtin, framework_version, lookup)
    if inference is None:
        return _no_code(builtin, framework_version)
    plan = _from_config(inference, base, lookup)
    return replace(plan, notes=(*plan.notes, *_for_containers(inference)))


def _from_config(
    inference: InferenceConfig, base: Path, lookup: Callable[[str, str], Environment | None]
) -> EnvironmentPlan:
    source = base / inference.source_directory if inference.source_directory else base
    environment = _environment(inference, lookup)
    if environment is not None and environment.user_managed:
        return _user_managed(environment)
    variables = environment.variables if environment else {}
    conda, folder = _conda(inference, environment, source)
    if conda is None:
        note = f"No packages were asked for: the server's own Python {OWN} serves it."
        return _own(variables, (note,))
    return _plan(_required(inference, conda, folder), {**conda.variables, **variables})


def _required(inference: InferenceConfig, conda: CondaSpec, folder: Path) -> "Requirements":
    from backends.images.requirements import hold_numpy, read_requirements

    found = read_requirements(conda, folder)
    if inference.runtime.lower() == "spark-py" and not _lists(found, "pyspark"):
        found.packages.append("pyspark")
        found.notes.append("pyspark added for the runtime spark-py; Java has to be there too.")
    hold_numpy(found)
    return found


def _for_image(
    inference: InferenceConfig | None,
    base: Path,
    builtin: str | None,
    framework_version: str,
    lookup: Callable[[str, str], Environment | None],
) -> EnvironmentPlan:
    """The same for an image: its Python is the base image's, found when it is built."""
    from backends.images.requirements import Requirements

    if inference is None:
        found = _wanted_without_code(builtin, framework_version)
        return _image_plan(found, {}, ContainerPlan(pinned=bool(found.python)))
    source = base / inference.source_directory if inference.source_directory else base
    environment = _environment(inference, lookup)
    variables = environment.variables if environment else {}
    if environment is not None and environment.user_managed:
        part = container_plan(inference, environment, None, source)
        return _image_plan(Requirements(), variables, part)
    conda, folder = _conda(inference, environment, source)
    part = container_plan(inference, environment, conda, source)
    if conda is None:
        return _image_plan(_by_default(part), variables, part)
    found = _required(inference, conda, folder)
    return _image_plan(found, {**conda.variables, **variables}, part)


def _by_default(part: ContainerPlan) -> "Requirements":
    """Where no packages were asked for, what the server's own Python serves with elsewhere."""
    from backends.images.requirements import Requirements

    if part.base_image or part.base_dockerfile:
        return Requirements()
    found = _wanted_without_code(None, "")
    found.notes.append("No packages were asked for: the image has numpy and onnxruntime.")
    return found


def _image_plan(
    found: "Requirements", variables: Mapping[str, str], part: ContainerPlan
) -> EnvironmentPlan:
    from backends.images.python_pins import python_of_image

    python = python_of_image(found)
    if found.python and not part.base_image and not part.base_dockerfile:
        part = replace(part, pinned=True)  # the base image is chosen by it
    packages = sorted(dict.fromkeys(found.packages), key=str.lower)
    options = tuple(dict.fromkeys(found.options))
    return EnvironmentPlan(
        key=_key(python, ["image", *packages, *options, *found.contents, *part.identity]),
        python=python,
        requirements=tuple(packages),
        pip_options=options,
        variables=variables,
        notes=tuple(found.notes),
        container=part,
    )


def _for_containers(inference: InferenceConfig) -> tuple[str, ...]:
    """What the config says that only a target with containers can follow."""
    said = {
        "Base image": inference.base_image,
        "Extra Dockerfile steps": inference.extra_docker_steps,
    }
    return tuple(
        f"{what} ({value}): followed by container targets only."
        for what, value in said.items()
        if value
    )


def _no_code(builtin: str | None, framework_version: str) -> EnvironmentPlan:
    if builtin == "onnx" or builtin is None:
        return _own({}, ("No environment is needed: the scoring server runs ONNX itself.",))
    return _plan(_wanted_without_code(builtin, framework_version), {})


def _wanted_without_code(builtin: str | None, framework_version: str) -> "Requirements":
    from backends.images.python_pins import pinned, python_for_sklearn
    from backends.images.requirements import Requirements, hold_numpy

    if builtin == "onnx" or builtin is None:
        return Requirements(packages=["numpy", "onnxruntime"])

    if builtin == "tensorflow":
        wanted = Requirements(packages=["numpy", pinned("tensorflow", framework_version)])
    else:
        wanted = Requirements(packages=[*_SKLEARN_NEEDS])
        wanted.packages.append(pinned("scikit-learn", framework_version))
        wanted.python = python_for_sklearn(framework_version)
    hold_numpy(wanted)
    return wanted


def _environment(
    inference: InferenceConfig, lookup: Callable[[str, str], Environment | None]
) -> Environment | None:
    wanted = inference.environment
    if wanted is None or not wanted.reference:
        return wanted
    from backends.configs.curated import curated, curated_names

    found = lookup(wanted.name, wanted.version) or curated(wanted.name)
    if found is None:
        raise NotFound(
            f"There is no environment '{wanted.name}'"
            + (f" of version {wanted.version}." if wanted.version else "."),
            fix="Register it (`pilothouse environment register`), or use a curated one: "
            f"{', '.join(sorted(curated_names()))}.",
        )
    return found


def _conda(
    inference: InferenceConfig, environment: Environment | None, source: Path
) -> tuple[CondaSpec | None, Path]:
    """The conda content, and the folder that its paths are relative to."""
    if environment is not None and environment.conda is not None:
        return environment.conda, source
    file = environment.conda_file if environment is not None else inference.conda_file
    if not file:
        return None, source
    from backends.configs.conda import read_conda

    path = source / file
    parsed = read_conda(path)
    if parsed.config is None or parsed.errors:
        problems = [str(problem) for problem in parsed.errors] or ["it cannot be read"]
        raise InvalidInput(
            f"The conda file cannot be used: {problems[0]}",
            fix="Its path is relative to the source directory when one is given.",
            detail="\n".join(problems),
        )
    return parsed.config, path.parent


def _user_managed(environment: Environment) -> EnvironmentPlan:
    found = which(environment.interpreter)
    if environment.interpreter in {"", "python", "python3"} or found is None:
        note = f"The environment is user-managed: the server's own Python {OWN} serves it here."
        return _own(environment.variables, (note,))
    note = f"The environment is user-managed: {found} serves it."
    return _own(environment.variables, (note,), interpreter=Path(found))


def _own(
    variables: Mapping[str, str], notes: tuple[str, ...], interpreter: Path | None = None
) -> EnvironmentPlan:
    return EnvironmentPlan(
        key=_key(OWN, [f"own:{interpreter or ''}"]),
        python=OWN,
        variables=variables,
        notes=notes,
        needs_build=False,
        interpreter=interpreter,
    )


def _plan(found: "Requirements", variables: Mapping[str, str]) -> EnvironmentPlan:
    from backends.images.python_pins import choose_python

    python = choose_python(found)
    if not found.packages and python == OWN:
        found.notes.append(f"Nothing is left to install: the server's own Python {OWN} serves it.")
        return _own(variables, tuple(found.notes))
    packages = sorted(dict.fromkeys(found.packages), key=str.lower)
    return EnvironmentPlan(
        key=_key(python, [*packages, *found.options, *found.contents]),
        python=python,
        requirements=tuple(packages),
        pip_options=tuple(dict.fromkeys(found.options)),
        variables=variables,
        notes=tuple(found.notes),
    )


def _lists(found: "Requirements", package: str) -> bool:
    return any(text.lower().startswith(package) for text in found.packages)


def _key(python: str, parts: list[str]) -> str:
    identity = {"python": python, "platform": sysconfig.get_platform(), "parts": sorted(parts)}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
