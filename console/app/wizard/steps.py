"""The wizard's steps and the fields of each, by what was answered before."""

from collections.abc import Mapping
from enum import StrEnum

from backends.configs.deployment_fields import COMPUTE_TYPE, fields_for
from backends.configs.field import Field, Kind
from backends.configs.fields import ENVIRONMENT_FIELDS, ENVIRONMENT_FLAGS, INFERENCE_FIELDS, named
from backends.configs.records import ComputeType

SELF_EVIDENT = f"={ComputeType.LOCAL.value}"
"""Value of the target that needs no attaching: the engine that the Docker command line uses."""


class Step(StrEnum):
    """The steps, in order."""

    MODEL = "model"
    INFERENCE = "inference"
    ENVIRONMENT = "environment"
    TARGET = "target"
    DEPLOYMENT = "deployment"
    REVIEW = "review"

    @property
    def label(self) -> str:
        """As the rail names it."""
        return self.value.capitalize()


class Answers(StrEnum):
    """What answers requests."""

    SCRIPT = "script"
    MODEL = "model"


class Packages(StrEnum):
    """Where the entry script's packages come from."""

    SERVER = "server"
    CONDA = "conda"
    NAMED = "named"
    INLINE = "inline"


def _own(name: str, help_: str, **more: object) -> Field:
    """A field of the wizard itself; it stands in no file."""
    return Field(name=name, attribute=name, key="", help=help_, **more)  # type: ignore[arg-type]  # as Field takes them


MODELS = _own(
    "models",
    "Registered versions or local paths, one a line.",
    kind=Kind.LIST,
)
SERVICE_NAME = _own(
    "service_name",
    "What the service is called; its address carries it.",
    required=True,
    pattern=r"[a-z][-a-z0-9]{1,30}[a-z0-9]",
    allows="3 to 32 lower-case letters, digits and dashes, from a letter on",
)
OVERWRITE = _own(
    "overwrite",
    "It is there already: replace it, or change the name.",
    kind=Kind.SWITCH,
    required=True,
)
FOLDER = _own(
    "folder",
    "Where the config files lie; relative paths start here.",
    kind=Kind.PATH,
    required=True,
)
ANSWERS = _own(
    "answers",
    "Your own code, or the framework's (Onnx, ScikitLearn, TensorFlow).",
    required=True,
    choices=tuple(Answers),
)
INFERENCE_FILE = _own(
    "inference_file",
    "Read when it is there; ctrl+s writes it.",
    kind=Kind.PATH,
    required=True,
)
PACKAGES = _own(
    "packages",
    "Where the packages come from that the script imports.",
    required=True,
    choices=tuple(Packages),
)
CONDA_PACKAGES = _own(
    "conda_packages",
    "Conda's own, one a line, as in python=3.11.",
    kind=Kind.LIST,
)
PIP_PACKAGES = _own(
    "pip_packages",
    "pip's requirements, one a line, as in numpy>=1.26.",
    kind=Kind.LIST,
)
TARGET = _own("target", "An attached target; `←` and `→` choose.", required=True)
DEPLOYMENT_FILE = _own(
    "deployment_file",
    "Read when it is there; ctrl+s writes it.",
    kind=Kind.PATH,
    required=True,
)


def _of(name: str, table: tuple[Field, ...]) -> Field:
    found = named(name, table)
    if found is None:
        raise LookupError(f"the field table has no {name}")
    return found


ENTRY = tuple(
    _of(name, INFERENCE_FIELDS)
    for name in ("entry_script", "source_directory", "inference_description")
)
IMAGE = tuple(
    _of(name, INFERENCE_FIELDS)
    for name in (
        "base_image",
        "base_image_registry",
        "base_image_registry_username",
        "base_image_registry_password",
        "extra_docker_file_steps",
        "enable_gpu",
        "cuda_version",
    )
)
RUNTIME = _of("runtime", INFERENCE_FIELDS)
CONDA_FILE = _of("conda_file", INFERENCE_FIELDS)
ENVIRONMENT_NAME = _of("environment_name", ENVIRONMENT_FLAGS)
ENVIRONMENT_VERSION = _of("environment_version", ENVIRONMENT_FLAGS)
VARIABLES = _of("environment_variables", ENVIRONMENT_FIELDS)
INLINE_IMAGE = _of("docker_base_image", ENVIRONMENT_FIELDS)
TYPED = frozenset(Kind) - {Kind.RAW, Kind.CONDA, Kind.ENVIRONMENT}
"""Kinds that a form can hold as text."""


def fields_of(
    step: Step, values: Mapping[str, str], compute: ComputeType, *, images: bool
) -> tuple[Field, ...]:
    """The fields that a step shows.

    Args:
        step: Which step.
        values: What was typed so far.
        compute: The chosen target's compute type.
        images: The chosen target runs images, so that what only concerns them matters.
    """
    script = values.get("answers") == Answers.SCRIPT
    match step:
        case Step.MODEL:
            clash = (OVERWRITE,) if values.get("overwrite") else ()
            return (MODELS, SERVICE_NAME, *clash, FOLDER)
        case Step.INFERENCE:
            return (ANSWERS, INFERENCE_FILE, *ENTRY) if script else (ANSWERS,)
        case Step.ENVIRONMENT:
            return (PACKAGES, *_packages(values, images=images)) if script else ()
        case Step.TARGET:
            return (TARGET,)
        case Step.DEPLOYMENT:
            return (DEPLOYMENT_FILE, *deployment_fields(compute))
    return ()


def deployment_fields(compute: ComputeType) -> tuple[Field, ...]:
    """Fields of the deployment config that are typed; type and target are chosen before."""
    chosen = {COMPUTE_TYPE.name, "compute_target"}
    return tuple(
        field for field in fields_for(compute) if field.kind in TYPED and field.name not in chosen
    )


def _packages(values: Mapping[str, str], *, images: bool) -> tuple[Field, ...]:
    image = IMAGE if images else tuple(field for field in IMAGE if values.get(field.name))
    match values.get("packages"):
        case Packages.CONDA:
            return (CONDA_FILE, CONDA_PACKAGES, PIP_PACKAGES, RUNTIME, *image)
        case Packages.NAMED:
            return (ENVIRONMENT_NAME, ENVIRONMENT_VERSION)
        case Packages.INLINE:
            inline = (INLINE_IMAGE,) if images or values.get(INLINE_IMAGE.name) else ()
            return (ENVIRONMENT_NAME, VARIABLES, CONDA_PACKAGES, PIP_PACKAGES, *inline)
    return image
