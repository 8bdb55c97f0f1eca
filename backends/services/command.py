"""The command line that does the same as an action of the console."""

import shlex
from collections.abc import Mapping

from backends.configs.deployment import deployment_as_flags
from backends.configs.field import Field
from backends.configs.fields import INFERENCE_FIELDS, fields_for
from backends.configs.inference import inference_as_flags
from backends.services.records import DeployRequest


def deploy_command(name: str, request: DeployRequest, workspace: str) -> str:
    """`pilothouse model deploy …` of a request."""
    words = ["pilothouse", "model", "deploy", "-n", name, *_common(request)]
    if request.target:
        words += ["--ct", request.target]
    if request.overwrite:
        words.append("--overwrite")
    return _line(words, workspace)


def update_command(name: str, request: DeployRequest, workspace: str) -> str:
    """`pilothouse service update …` of a request."""
    words = ["pilothouse", "service", "update", "-n", name, *_common(request)]
    for tag in request.remove_tags:
        words += ["--remove-tag", tag]
    return _line([word if word != "--tag" else "--add-tag" for word in words], workspace)


def service_command(verb: str, name: str, workspace: str, *more: str) -> str:
    """`pilothouse service VERB -n NAME …`."""
    return _line(["pilothouse", "service", verb, "-n", name, *more], workspace)


def target_command(verb: str, name: str, workspace: str, *more: str) -> str:
    """`pilothouse computetarget VERB -n NAME …`."""
    return _line(["pilothouse", "computetarget", *verb.split(), "-n", name, *more], workspace)


def _common(request: DeployRequest) -> list[str]:
    words: list[str] = []
    for model in request.models:
        words += ["-m", model]
    if request.inference_file:
        words += ["--ic", request.inference_file]
    elif request.inference is not None:
        words += _flags(INFERENCE_FIELDS, inference_as_flags(request.inference))
    if request.deployment_file:
        words += ["--dc", request.deployment_file]
    elif request.deployment is not None:
        fields = fields_for(request.deployment.compute_type)
        words += _flags(fields, deployment_as_flags(request.deployment))
    for key, value in request.tags.items():
        words += ["--tag", f"{key}={value}"]
    for key, value in request.properties.items():
        words += ["--property", f"{key}={value}"]
    return words


def _flags(fields: tuple[Field, ...], texts: Mapping[str, str]) -> list[str]:
    """Each value by its field's flag; a secret stands as a word to be replaced."""
    words = []
    for field in fields:
        text = texts.get(field.name, "")
        if text and field.flags:
            words += [field.flags[0], "…" if field.secret else text]
    return words


def _line(words: list[str], workspace: str) -> str:
    if workspace != "default":
        words = [*words, "-w", workspace]
    return shlex.join(words)
