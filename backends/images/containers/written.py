"""The same image as a Dockerfile with its context, for engines that Pilothouse does not reach.

    Dockerfile
    azureml-app/            the app root; azureml-app/azureml-models/ the models
    pilothouse/             the scoring server's source and what installs the packages

No setting of this machine is in it: no package index, proxy or authority. The classic builder
takes it as well as BuildKit.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from backends.errors import Unsupported
from backends.images.containers import names
from backends.images.containers.bases import MICROMAMBA, reference_of
from backends.images.containers.container_files import state_entries
from backends.images.containers.dockerfile import parse_dockerfile
from backends.images.containers.environment_image import SERVED
from backends.images.containers.inputs import Inputs, input_entries, job_entry
from backends.images.containers.installing import install_job
from backends.images.containers.server import assemble_job, server_entries
from backends.images.containers.tars import Entry
from backends.images.environment import EnvironmentPlan
from backends.images.interpreters import OWN
from backends.targets.records import ServiceSpec

_DOCKERFILE = """\
FROM python:{own}-slim AS pilothouse-server
COPY pilothouse/server /
COPY pilothouse/build {inputs}
COPY pilothouse/assemble.json {inputs}/job.json
RUN ["python3", "-E", "-s", "{inputs}", "assemble"]

{base}
USER 0
COPY --from=pilothouse-server {root} {root}
COPY --from=pilothouse-server {tools} {tools}
COPY pilothouse/build {inputs}
COPY pilothouse/install.json {inputs}/job.json
RUN ["{python}", "-E", "-s", "{inputs}", "install"]
{steps}
USER 0
COPY pilothouse/state {state}
COPY azureml-app {app}
RUN ["{python}", "-E", "-s", "{inputs}", "finish"]
{served}"""


def write_context(plan: EnvironmentPlan, spec: ServiceSpec, folder: Path) -> Path:
    """Write Dockerfile and context; returns the folder.

    Args:
        plan: Of a container's environment.
        spec: With its bundle, which is moved.
        folder: New or empty.

    Raises:
        Unsupported: a base Dockerfile or step copies files of the user's, whose place is not here.
    """
    assert spec.bundle is not None
    _refuse_copies(plan)
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "pilothouse"
    passed = Inputs(variables={}, authorities=b"", notes=())
    _write(own / "build", input_entries(passed, plan))
    _write(own, [job_entry(assemble_job(), "assemble.json")])
    _write(own, [job_entry(install_job(plan, OWN, _pinned(plan)), "install.json")])
    _write(own / "server", server_entries(OWN))
    _write(own / "state", state_entries(spec, "", folder=""))
    spec.bundle.rename(folder / "azureml-app")
    (folder / "Dockerfile").write_text(_text(plan), encoding="utf-8")
    return folder


def _text(plan: EnvironmentPlan) -> str:
    served = SERVED.partition("\nENV ")[2].format(
        root=names.SERVER_ROOT,
        app=names.APP_ROOT,
        state=names.STATE,
        port=names.PORT,
        user=names.USER_ID,
        path="",
    )
    return _DOCKERFILE.format(
        own=OWN,
        base=_base(plan),
        inputs=names.INPUTS,
        root=names.SERVER_ROOT,
        tools=names.TOOLS_ROOT,
        python=names.PYTHON,
        steps=plan.container.steps if plan.container else "",
        app=names.APP_ROOT,
        state=names.STATE,
        served=f"ENV {served}",
    )


def _base(plan: EnvironmentPlan) -> str:
    container = plan.container
    if container is not None and container.base_dockerfile:
        return container.base_dockerfile
    if container is not None and container.base_image:
        return f"FROM {reference_of(container)}"
    if container is not None and container.needs_conda:
        return f"FROM {MICROMAMBA}"
    return f"FROM python:{plan.python}-slim"


def _pinned(plan: EnvironmentPlan) -> str:
    return plan.python if plan.container is not None and plan.container.pinned else ""


def _refuse_copies(plan: EnvironmentPlan) -> None:
    texts = (plan.container.base_dockerfile, plan.container.steps) if plan.container else ()
    for text in texts:
        for said in parse_dockerfile(text, "the Docker steps"):
            from_stage = re.search(r"(^|\s)--from=", said.text)
            if said.word in {"COPY", "ADD"} and not from_stage:
                raise Unsupported(
                    f"{said} copies files of the source directory, which a written Dockerfile's"
                    " context holds elsewhere.",
                    fix="Build the image (without --output-path), or take that step out.",
                )


def _write(folder: Path, entries: Iterable[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        path = folder / entry.name if entry.name else folder
        if entry.data is None and entry.path is None:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        data = entry.data if entry.path is None else entry.path.read_bytes()
        path.write_bytes(data or b"")
        path.chmod(entry.mode | 0o600)
