"""The layer that holds an environment's packages, and why it could not be made."""

import asyncio
import json
from collections.abc import Sequence

from backends.errors import BuildFailed
from backends.images.container_plan import ContainerPlan
from backends.images.containers import names
from backends.images.containers.bases import has_pinned_python
from backends.images.containers.failures import telling_line
from backends.images.containers.inputs import Inputs, job_entry, program
from backends.images.containers.inside.install import NO_CONDA, NO_PYTHON, RESULT
from backends.images.containers.layers import Archive, Layer, Learnt, StepFailed
from backends.images.containers.records import Image
from backends.images.containers.server import ServerImage
from backends.images.containers.tars import tar_of
from backends.images.containers.workroom import Workroom
from backends.images.environment import EnvironmentPlan
from backends.images.python_pins import FALLBACK
from backends.images.uv_errors import build_error

__all__ = ["OWN_FOLDER", "RESULT", "install_failure", "install_job", "install_layer"]

OWN_FOLDER = "pilothouse/own-folder"
"""Label: folder of programs of an environment that was made beside the base's own Python."""


def install_layer(
    plan: EnvironmentPlan,
    inputs: Inputs,
    room: Workroom,
    *,
    base: Image,
    server: ServerImage,
    tag: str,
) -> Layer:
    """What `inside/install.py` makes of a base."""
    python = plan.python if has_pinned_python(plan, base.reference) else ""
    job = job_entry(install_job(plan, server.python, python))
    return Layer(
        parent=base.reference,
        title="the packages",
        command=program("install"),
        user="0",
        archives=(Archive(folder=names.INPUTS, pieces=lambda: tar_of([job])),),
        volumes=room.volumes,
        network=inputs.network,
        labels={names.IMAGE: names.PACKAGES, names.LAYER: ""},
        tag=tag,
        learn=_learnt,
    )


async def install_failure(plan: EnvironmentPlan, base: Image, error: StepFailed) -> BuildFailed:
    """The sentence for a step that failed."""
    said = next((line for line in reversed(error.output) if line.startswith("error: ")), "")
    if error.code == NO_PYTHON:
        return BuildFailed(
            f"{base.reference}: {said.removeprefix('error: ')}.",
            fix=f"Name a base image that has it, change the pin, or set {FALLBACK}=nearest"
            " where no base image is named.",
            detail=error.detail,
        )
    if error.code == NO_CONDA:
        lines = [line for line in error.output if not line.startswith("error: conda could not")]
        return BuildFailed(
            f"The conda of {base.reference} could not create the environment:"
            f" {telling_line(lines)}.",
            fix="Correct the conda file, or its channels: they are asked from the engine.",
            detail=error.detail,
        )
    found = await asyncio.to_thread(build_error, error.output, plan)
    return BuildFailed(found.what, fix=found.fix, detail=found.detail)


def install_job(plan: EnvironmentPlan, own: str, wanted: str) -> dict[str, object]:
    """What `inside/install.py` is asked for.

    Args:
        plan: The environment.
        own: Minor version of the server's interpreter.
        wanted: Minor version that is pinned; empty where any will do.
    """
    container = plan.container or ContainerPlan()
    flags = ["--prerelease=allow"] if "--pre" in plan.pip_options else []
    for option in plan.pip_options:
        name, _, value = option.partition(" ")
        flags += ["--allow-insecure-host", value] if name == "--trusted-host" else []
    return {
        "python": wanted,
        "interpreter": container.interpreter,
        "requirements": bool(plan.requirements),
        "flags": flags,
        "conda": container.conda,
        "needs_conda": list(container.needs_conda),
        "uv": f"{names.TOOLS_ROOT}/uv/bin/uv",
        "own_python": f"{names.SERVER_ROOT}/bin/python{own}",
        "user_id": names.USER_ID,
        "state": names.STATE,
        "tools": names.TOOLS_ROOT,
    }


def _learnt(output: Sequence[str]) -> Learnt:
    """What `inside/install.py` says last."""
    line = next((line for line in reversed(output) if line.startswith(RESULT)), "")
    try:
        found = json.loads(line.removeprefix(RESULT))
        labels = {
            names.INTERPRETER: str(found["interpreter"]),
            OWN_FOLDER: str(found["folder"]),
            "pilothouse/python": str(found["version"]),
            "pilothouse/packages": ",".join(map(str, found["packages"])),
        }
    except (ValueError, KeyError, TypeError) as error:
        raise BuildFailed(
            "The step that installs packages did not say which Python has them.",
            fix="Try again; the build's lines say more.",
            detail="\n".join(output[-200:]),
        ) from error
    return Learnt(labels=labels)
