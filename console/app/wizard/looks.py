"""What stands beside the fields: the state of files, a target's answer, the file in view."""

import asyncio

from backends.errors import PilothouseError
from backends.targets.records import TargetInfo
from console.app.shell.context import Context
from console.app.wizard import files
from console.app.wizard.files import Preview
from console.app.wizard.form import Form, Part
from console.app.wizard.steps import Step

ANSWER_SECONDS = 5.0
"""Longest wait for a target's answer about itself."""


async def at_target(context: Context, name: str) -> tuple[bool, str]:
    """Whether a target runs images, and what it says about itself or why it does not."""
    try:
        driver = await context.threads.run(context.workspace.targets.open, name)
        info = await asyncio.wait_for(driver.check(), ANSWER_SECONDS)
    except PilothouseError as error:
        return False, f"✖ {error.what}"
    except TimeoutError:
        return False, f"✖ no answer within {ANSWER_SECONDS:.0f} s"
    return driver.capabilities.images, f"● {_about(info)}"


def notes(form: Form, target: str) -> dict[str, str]:
    """What is known about the values of fields, by the field's name."""
    return {
        "inference_file": _file(form.inference),
        "deployment_file": _file(form.deployment),
        "conda_file": _file(form.conda),
        "target": target,
    }


def previews_for(form: Form, step: Step) -> tuple[Preview, ...]:
    """All files of the form, those that the step shapes first."""
    near = {Step.TARGET: (Step.DEPLOYMENT,), Step.ENVIRONMENT: (Step.ENVIRONMENT, Step.INFERENCE)}
    order = near.get(step, (step,))
    return tuple(sorted(files.previews(form), key=lambda each: each.step not in order))


def _file(part: Part) -> str:  # type: ignore[type-arg]  # of any config
    if part.text is None:
        return "not there yet"
    if part.config is None:
        return "read, and it has errors"
    return "read from disk"


def _about(info: TargetInfo) -> str:
    parts = [info.identity, info.version]
    if info.cpus:
        parts.append(f"{info.cpus:g} CPUs")
    if info.memory_gb:
        parts.append(f"{info.memory_gb:.1f} GB")
    return ", ".join(part for part in parts if part)
