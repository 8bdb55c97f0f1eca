"""What stands beside the fields: the state of files, a target's answer, the file in view."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backends.errors import PilothouseError
from backends.targets.catalog import TargetRecord, abilities_of
from backends.targets.records import TargetInfo
from console import present
from console.app.shell.context import Context
from console.app.wizard import files
from console.app.wizard.files import Preview
from console.app.wizard.form import Form, Part
from console.app.wizard.steps import Step

if TYPE_CHECKING:
    from backends.workspace import Workspace

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


async def at_kind(context: Context, kind: str) -> tuple[bool, str]:
    """The same of the target that a kind means by itself, which its first use attaches."""
    record = TargetRecord(name=kind, kind=kind, workspace=context.workspace.name)
    try:
        able = await context.threads.run(abilities_of, kind)
        info = await asyncio.wait_for(context.workspace.targets.probe(record), ANSWER_SECONDS)
    except PilothouseError as error:
        return False, f"✖ {error.what}"
    except TimeoutError:
        return False, f"✖ no answer within {ANSWER_SECONDS:.0f} s"
    return able.images, f"● {_about(info)}; attached as {kind} by the deployment"


async def at_models(context: Context, names: Sequence[str]) -> str:
    """What the registry knows of the models, a line each."""
    lines = [await context.threads.run(_model, context.workspace, name) for name in names]
    return "\n".join(lines)


def notes(form: Form) -> dict[str, str]:
    """How the files stand that fields name, by the field's name."""
    return {
        "inference_file": _file(form.inference),
        "deployment_file": _file(form.deployment),
        "conda_file": _file(form.conda),
    }


def previews_for(form: Form, step: Step) -> tuple[Preview, ...]:
    """All files of the form, those that the step shapes first."""
    near = {Step.TARGET: (Step.DEPLOYMENT,), Step.ENVIRONMENT: (Step.ENVIRONMENT, Step.INFERENCE)}
    order = (*near.get(step, (step,)), *Step)
    return tuple(sorted(files.previews(form), key=lambda each: order.index(each.step)))


def _file(part: Part) -> str:  # type: ignore[type-arg]  # of any config
    if part.text is None:
        return "not there yet"
    if part.config is None:
        return "read, and it has errors"
    return "read from disk"


def _model(workspace: "Workspace", name: str) -> str:
    try:
        version = workspace.registry.resolve(name)
    except PilothouseError as error:
        local = Path(name).exists()
        return f"{name}: a local path" if local else f"✖ {error.what} {error.fix}"
    framework = f"{version.framework} {version.framework_version}".strip()
    facts = (framework, present.size(version.size), present.pairs(version.tags))
    return f"{version.id}: {'  '.join(fact for fact in facts if fact)}"


def _about(info: TargetInfo) -> str:
    parts = [info.identity, info.version]
    if info.cpus:
        parts.append(f"{info.cpus:g} CPUs")
    if info.memory_gb:
        parts.append(f"{info.memory_gb:.1f} GB")
    return ", ".join(part for part in parts if part)
