"""Where the wizard starts: from existing files, from the model, from what runs, from a draft."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backends.configs.curated import curated_names
from backends.configs.deployment import deployment_as_flags
from backends.errors import NotFound
from backends.registry.records import ModelVersion
from backends.services.drafts import Draft
from backends.services.records import DeployRequest
from console.app.wizard import files, texts
from console.app.wizard.checks import SERVED_ALONE
from console.app.wizard.form import Form
from console.app.wizard.steps import Answers, Packages

if TYPE_CHECKING:
    from backends.workspace import Workspace

INFERENCE_NAMES = ("inferenceconfig.json", "inferenceConfig.json", "inferenceconfig.yml")
DEPLOYMENT_NAMES = ("deploymentconfig.json", "deploymentConfig.json", "deploymentconfig.yml")
SCRIPT_NAMES = ("score.py", "main.py")
CONDA_NAMES = ("myenv.yml", "conda.yml", "conda_dependencies.yml", "environment.yml")


def begin(workspace: "Workspace", request: DeployRequest, here: Path) -> Form:
    """The form as it opens: what the request says, else what lies beside the model.

    Args:
        workspace: Its registry, targets and services are asked; blocking.
        request: What is known already.
        here: The current directory.

    Raises:
        NotFound: the model of the request does not exist.
    """
    version = _version(workspace, request)
    folder = Path(request.base) if request.base else _folder(version, here)
    form = Form(
        values={},
        targets=workspace.targets.list(),
        services=frozenset(service.name for service in workspace.services.list()),
        environments=_environments(workspace),
    )
    model = version.id if version else "\n".join(request.models)
    form = form.typed(
        models=model,
        service_name=request.name,
        folder="." if folder == here else str(folder),
        target=request.target or form.targets[0].name,
        packages=Packages.SERVER,
        answers=Answers.SCRIPT,
        inference_file=request.inference_file or _there(folder, INFERENCE_NAMES),
        deployment_file=request.deployment_file or _there(folder, DEPLOYMENT_NAMES),
    )
    if request.inference is None:
        form = files.read_inference(form)
    if request.deployment is None:
        form = files.read_deployment(form)
    if form.inference.text is None:
        form = form.typed(**_suited(version, folder))
    return files.read_conda(_said(form, request))


def resume(form: Form, draft: Draft) -> Form:
    """The form as a draft left it: its files are read again, what was typed comes over them."""
    form = form.typed(**draft.values)
    for read in (files.read_inference, files.read_deployment, files.read_conda):
        form = read(form)
    return form.typed(**draft.values)


def _environments(workspace: "Workspace") -> tuple[str, ...]:
    registered = {environment.name for environment in workspace.environments.list()}
    return (*sorted(registered), *curated_names())


def _version(workspace: "Workspace", request: DeployRequest) -> ModelVersion | None:
    """The first model when it is a registered one; a path of local files is none."""
    if not request.models:
        return None
    try:
        return workspace.registry.resolve(request.models[0])
    except NotFound:
        if Path(request.models[0]).exists():
            return None
        raise


def _folder(version: ModelVersion | None, here: Path) -> Path:
    """The model's own folder when configs or a script lie there, else the current one."""
    source = Path(version.source.path) if version and version.source.path else None
    names = (*INFERENCE_NAMES, *DEPLOYMENT_NAMES, *SCRIPT_NAMES)
    for folder in (source.parent, source) if source and source.is_absolute() else ():
        if any((folder / name).is_file() for name in names):
            return folder
    return here


def _suited(version: ModelVersion | None, folder: Path) -> dict[str, str]:
    """No code for a model that can do without, unless a script lies beside it."""
    script = next((name for name in SCRIPT_NAMES if (folder / name).is_file()), "")
    conda = next((name for name in CONDA_NAMES if (folder / name).is_file()), "")
    beside = version is not None and Path(version.source.path).parent == folder
    if version is not None and version.framework in SERVED_ALONE and not (script and beside):
        return {"answers": Answers.MODEL}
    if not script:
        return {}
    packages = Packages.CONDA if conda else Packages.SERVER
    return {"entry_script": script, "conda_file": conda, "packages": packages}


def _said(form: Form, request: DeployRequest) -> Form:
    """What the request's own configs say, over everything else."""
    if request.inference is not None:
        inference = request.inference
        form = replace(form, inference=replace(form.inference, config=inference))
        form = form.typed(**texts.of_inference(inference), answers=Answers.SCRIPT)
    if request.deployment is not None:
        form = replace(form, deployment=replace(form.deployment, config=request.deployment))
        said = deployment_as_flags(request.deployment)
        form = form.typed(**{name: text for name, text in said.items() if name != "compute_type"})
    return form.typed(overwrite="true") if request.overwrite else form


def _there(folder: Path, names: Iterable[str]) -> str:
    """The first of the names that is a file of the folder; the first of all when none is."""
    names = tuple(names)
    return next((name for name in names if (folder / name).is_file()), names[0])
