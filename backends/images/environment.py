"""From an inference config to the exact environment that has to be built for it."""

import hashlib
import json
import os
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import which

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from backends.configs.records import CondaSpec, Environment, InferenceConfig
from backends.errors import InvalidInput, NotFound
from backends.images.conda_names import PYTHON_WITHOUT_SKLEARN
from backends.images.interpreters import OWN, available, find_python, rank
from backends.images.requirements import Requirements, hold_numpy, read_requirements
from backends.secrecy import repr_without

FALLBACK = "PILOTHOUSE_PYTHON_FALLBACK"
"""Set to `nearest`: where the pinned Python is missing, the next newer one here is used."""

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
) -> EnvironmentPlan:
    """Decide what the environment of a service consists of.

    Args:
        inference: The inference config; None for a no-code service.
        base: The folder that the config's relative paths start from.
        builtin: The no-code handler (onnx, sklearn, tensorflow) or None.
        framework_version: The model's, for a no-code service; may be empty.
        lookup: Gives a registered environment by name and version ("" is the newest).

    Raises:
        InvalidInput: a file or an entry of it is wrong.
        NotFound: a referenced environment exists neither here nor among the curated ones.
    """
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
    found = read_requirements(conda, folder)
    if inference.runtime.lower() == "spark-py" and not _lists(found, "pyspark"):
        found.packages.append("pyspark")
        found.notes.append("pyspark added for the runtime spark-py; Java has to be there too.")
    hold_numpy(found)
    return _plan(found, {**conda.variables, **variables})


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
    if builtin == "tensorflow":
        wanted = Requirements(packages=["numpy", _pinned("tensorflow", framework_version)])
    else:
        wanted = Requirements(packages=[*_SKLEARN_NEEDS])
        wanted.packages.append(_pinned("scikit-learn", framework_version))
        wanted.python = _python_for_sklearn(framework_version)
    hold_numpy(wanted)
    return _plan(wanted, {})


def _pinned(package: str, version: str) -> str:
    try:
        return f"{package}=={Version(version)}" if version else package
    except InvalidVersion as error:
        raise InvalidInput(
            f"The model's framework version '{version}' is not a version of {package}.",
            fix="Register the model again with --model-framework-version, as in 1.4.2.",
        ) from error


def _python_for_sklearn(version: str) -> str:
    for before, without in PYTHON_WITHOUT_SKLEARN:
        if version and Version(version) < Version(before):
            return f"<{without}"
    return ""


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


def _plan(found: Requirements, variables: Mapping[str, str]) -> EnvironmentPlan:
    python = _choose_python(found)
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


def _choose_python(found: Requirements) -> str:
    """The minor version to build with; it need not be on this machine."""
    if not found.python:
        return OWN
    try:
        wanted = SpecifierSet(found.python)
    except InvalidSpecifier as error:
        raise InvalidInput(
            f"The conda file pins Python as '{found.python}', which is not a version.",
            fix="Write it as `python=3.8`.",
        ) from error
    pin = _pinned_minor(found.python)
    if pin is None:
        if _any_patch(wanted, OWN):
            return OWN
        fitting = [minor for minor in available() if _any_patch(wanted, minor)]
        return fitting[-1] if fitting else _missing(_newest(wanted), found)
    exact = found.python.removeprefix("==").removesuffix(".*")
    if exact != pin and find_python(pin):
        found.notes.append(f"Python {exact} is met by the {pin} of this machine.")
    return pin if find_python(pin) else _missing(pin, found)


def _pinned_minor(specifier: str) -> str | None:
    """`==3.6.2` and `==3.6.*` pin 3.6; `==3.*` and ranges pin nothing."""
    both = [part for part in specifier.split(",") if part.startswith("==")]
    numbers = both[0].removeprefix("==").split(".") if both else []
    exact = len(numbers) > 1 and numbers[1].isdigit()
    return ".".join(numbers[:2]) if exact else None


def _any_patch(wanted: SpecifierSet, minor: str) -> bool:
    return any(wanted.contains(f"{minor}.{patch}") for patch in (0, 5, 10, 99))


def _newest(wanted: SpecifierSet) -> str:
    """The newest minor version that exists and is wanted."""
    fitting = (f"3.{minor}" for minor in range(14, 4, -1))
    return next((minor for minor in fitting if _any_patch(wanted, minor)), OWN)


def _missing(pin: str, found: Requirements) -> str:
    newer = [minor for minor in available() if rank(minor) > rank(pin)]
    if os.environ.get(FALLBACK, "").lower() == "nearest" and newer:
        found.notes.append(f"Python {pin} is not here: {newer[0]} is used instead ({FALLBACK}).")
        return newer[0]
    found.notes.append(f"Python {pin} is not on this machine: it has to be fetched first.")
    return pin


def _lists(found: Requirements, package: str) -> bool:
    return any(text.lower().startswith(package) for text in found.packages)


def _key(python: str, parts: list[str]) -> str:
    identity = {"python": python, "platform": sysconfig.get_platform(), "parts": sorted(parts)}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
