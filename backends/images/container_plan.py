"""The part of an environment that only a container has: its base, Docker steps, conda."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, field

from backends.configs.records import CondaSpec, Environment, ImageRegistry, InferenceConfig
from backends.errors import InvalidInput

_PROGRAMS = frozenset({"ffmpeg", "graphviz", "nodejs", "openjdk", "pandoc", "r", "r-base"})
"""conda packages that are programs which Python packages call: no wheel brings them."""


class ContainerPlan(Struct, frozen=True, kw_only=True):
    """What an environment image is made of besides its packages."""

    base_image: str = ""
    """Empty: chosen by the Python that is pinned, or made of `base_dockerfile`."""
    base_dockerfile: str = ""
    """Its text."""
    steps: str = ""
    """Dockerfile instructions that follow the packages."""
    context: Path | None = None
    """The folder that COPY and ADD of Dockerfile and steps start from."""
    registry: ImageRegistry = field(default_factory=ImageRegistry)
    conda: str = ""
    """The conda file's text, for a base that has conda."""
    needs_conda: tuple[str, ...] = ()
    """Entries that only conda can install."""
    pinned: bool = False
    """The Python was asked for by its minor version."""
    user_managed: bool = False
    """Nothing is installed: the base's own Python has it all."""
    interpreter: str = ""
    """Of a user-managed base: a name on its PATH or a path."""

    @property
    def identity(self) -> list[str]:
        """What it adds to the environment's key; who pulls the base does not count."""
        parts = [
            f"base:{self.registry.address}/{self.base_image}",
            f"dockerfile:{self.base_dockerfile}",
            f"steps:{self.steps}",
            f"conda:{self.conda if self.needs_conda or self.base_image else ''}",
            f"managed:{self.user_managed}:{self.interpreter}",
        ]
        if self.context is not None and _copies(self.base_dockerfile, self.steps):
            parts.append(f"context:{_digest(self.context)}")
        return parts


def container_plan(
    inference: InferenceConfig,
    environment: Environment | None,
    conda: CondaSpec | None,
    source: Path,
) -> ContainerPlan:
    """What the config says of the container.

    Args:
        inference: The config.
        environment: The one it names, found.
        conda: Its conda file's content.
        source: The folder that its relative paths start from.

    Raises:
        InvalidInput: the file of Docker steps cannot be read.
    """
    managed = environment is not None and environment.user_managed
    registry = inference.image_registry
    if environment is not None and environment.image_registry.address:
        registry = environment.image_registry
    dockerfile = environment.base_dockerfile if environment is not None else ""
    return ContainerPlan(
        base_image=(environment.base_image if environment else "") or inference.base_image,
        base_dockerfile=_text(dockerfile, source) if dockerfile else "",
        steps=_read(source / inference.extra_docker_steps) if inference.extra_docker_steps else "",
        context=source.absolute(),
        registry=registry,
        conda=_conda_text(conda),
        needs_conda=tuple(_only_conda(conda.packages)) if conda else (),
        pinned=bool(conda and conda.python and "." in conda.python),
        user_managed=managed,
        interpreter=(environment.interpreter or "python") if managed and environment else "",
    )


def _conda_text(conda: CondaSpec | None) -> str:
    if conda is None:
        return ""
    from backends.configs.conda import emit_conda

    return emit_conda(conda)


def _only_conda(packages: Iterable[str]) -> Iterable[str]:
    for entry in packages:
        name = re.split(r"[\s=<>!~\[]", entry.rpartition("::")[2].strip(), maxsplit=1)[0].lower()
        if name in _PROGRAMS or name.startswith("r-"):
            yield entry


def _text(dockerfile: str, source: Path) -> str:
    """A Dockerfile's text, or that of the file it names."""
    one_line = "\n" not in dockerfile.strip() and " " not in dockerfile.strip()
    return _read(source / dockerfile.strip()) if one_line else dockerfile


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The Docker steps {path} cannot be read.",
            fix="Their path is relative to the source directory when one is given.",
        ) from error


def _copies(*texts: str) -> bool:
    return any(re.search(r"^\s*(COPY|ADD)\s", text, re.IGNORECASE | re.MULTILINE) for text in texts)


def _digest(folder: Path) -> str:
    """Names, sizes and times of what lies below a folder."""
    digest = hashlib.sha256()
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            facts = Path(here, name).lstat()
            place = Path(here, name).relative_to(folder)
            text = f"{place}\0{facts.st_size}\0{facts.st_mtime_ns}\n"
            digest.update(text.encode(errors="surrogateescape"))
    return digest.hexdigest()
