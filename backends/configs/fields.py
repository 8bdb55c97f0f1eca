"""The tables of fields: one source for the parser, forms, `--help` and the emitter.

Keys, defaults and limits are those of Azure ML v1's files; `process` is this project's own
compute type. A field whose default differs between compute types has a row for each. The
order of the rows is the order in which files are written.
"""

from backends.configs.deployment_fields import (
    COMPUTE_TYPES,
    DEPLOYMENT_FIELDS,
    compute_type,
    fields_for,
)
from backends.configs.field import Field, Kind, Mismatch

__all__ = [
    "COMPUTE_TYPES",
    "DEPLOYMENT_FIELDS",
    "ENVIRONMENT_FIELDS",
    "ENVIRONMENT_FLAGS",
    "INFERENCE_FIELDS",
    "Field",
    "Kind",
    "Mismatch",
    "compute_type",
    "fields_for",
    "named",
]


def named(name: str, fields: tuple[Field, ...]) -> Field | None:
    """Find a field by its v1 name or its attribute path; the first row that has it."""
    return next((field for field in fields if name in {field.name, field.attribute}), None)


INFERENCE_FIELDS = (
    Field(
        name="entry_script",
        attribute="entry_script",
        key="entryScript",
        kind=Kind.PATH,
        flags=("--es", "--entry-script"),
        required=True,
        allows="a path to a .py file, relative to sourceDirectory when that is given",
        help="Python file that loads the model in init() and answers a request in run(data).",
    ),
    Field(
        name="source_directory",
        attribute="source_directory",
        key="sourceDirectory",
        kind=Kind.PATH,
        flags=("--sd", "--source-directory"),
        allows="a path to a folder, relative to the current one",
        help="Folder that is packed whole; the entry script lies inside it.",
    ),
    Field(
        name="environment",
        attribute="environment",
        key="environment",
        kind=Kind.ENVIRONMENT,
        help="Packages, variables and base image of the model; only a name means a registered one.",
    ),
    Field(
        name="runtime",
        attribute="runtime",
        key="runtime",
        flags=("--rt", "--runtime"),
        choices=("python", "spark-py", "python-slim"),
        help="Language of the entry script (the 2019 form); not needed beside an environment.",
    ),
    Field(
        name="conda_file",
        attribute="conda_file",
        key="condaFile",
        kind=Kind.PATH,
        flags=("--cf", "--conda-file"),
        help="Conda file with the packages that the entry script needs (the 2019 form).",
    ),
    Field(
        name="extra_docker_file_steps",
        attribute="extra_docker_steps",
        key="extraDockerfileSteps",
        kind=Kind.PATH,
        flags=("--ds", "--extra-docker-file-steps"),
        aliases=("extraDockerFileSteps",),
        any_case=True,
        help="File of Dockerfile lines that are added to the image.",
    ),
    Field(
        name="enable_gpu",
        attribute="enable_gpu",
        key="enableGpu",
        kind=Kind.SWITCH,
        default="false",
        flags=("--eg", "--enable-gpu"),
        help="Build on an image with GPU support.",
    ),
    Field(
        name="cuda_version",
        attribute="cuda_version",
        key="cudaVersion",
        default="9.1 when enableGpu is true",
        flags=("--cv", "--cuda-version"),
        choices=("9.0", "9.1", "10.0"),
        help="CUDA version of the GPU image.",
    ),
    Field(
        name="base_image",
        attribute="base_image",
        key="baseImage",
        flags=("--bi", "--base-image"),
        help="Image to build on instead of the default one; only with runtime python.",
    ),
    Field(
        name="base_image_registry",
        attribute="image_registry.address",
        key="baseImageRegistry.address",
        flags=("--ir", "--base-image-registry"),
        shorthand=True,
        help="Registry of the base image, as in mcr.microsoft.com.",
    ),
    Field(
        name="base_image_registry_username",
        attribute="image_registry.username",
        key="baseImageRegistry.username",
        help="User of a private registry; address and password are needed too.",
    ),
    Field(
        name="base_image_registry_password",
        attribute="image_registry.password",
        key="baseImageRegistry.password",
        secret=True,
        help="Password of a private registry.",
    ),
    Field(
        name="inference_description",
        attribute="description",
        key="description",
        help="What this configuration is for.",
    ),
)

ENVIRONMENT_FLAGS = (
    Field(
        name="environment_name",
        attribute="environment.name",
        key="environment.name",
        flags=("-e", "--environment-name"),
        help="Registered or curated environment, used when the file names none.",
    ),
    Field(
        name="environment_version",
        attribute="environment.version",
        key="environment.version",
        default="the newest",
        flags=("--ev", "--environment-version"),
        help="Version of the environment.",
    ),
    Field(
        name="environment_directory",
        attribute="environment.directory",
        key="environment.directory",
        kind=Kind.PATH,
        flags=("--ed", "--environment-directory"),
        help="Folder of a saved environment (azureml_environment.json).",
    ),
)
"""Flags that name an environment for an inference config whose file has none."""


def _kept(key: str, help_: str) -> Field:
    """A part of an environment that has no effect here and is kept as written."""
    return Field(
        name=f"environment_{key}", attribute=f"other.{key}", key=key, kind=Kind.RAW, help=help_
    )


ENVIRONMENT_FIELDS = (
    Field(name="name", attribute="name", key="name", help="Name of the environment."),
    Field(
        name="version",
        attribute="version",
        key="version",
        default="counted up when it is registered",
        help="Version of the environment.",
    ),
    _kept("assetId", "Identity in Azure ML."),
    Field(
        name="inferencing_stack_version",
        attribute="inferencing_stack_version",
        key="inferencingStackVersion",
        help="`latest` adds the inference server to a base image of your own.",
    ),
    Field(
        name="environment_variables",
        attribute="variables",
        key="environmentVariables",
        kind=Kind.TABLE,
        help="Variables that the entry script sees.",
    ),
    Field(
        name="user_managed_dependencies",
        attribute="user_managed",
        key="python.userManagedDependencies",
        kind=Kind.SWITCH,
        default="false",
        help="The image has its Python and packages already; nothing is installed.",
    ),
    Field(
        name="interpreter_path",
        attribute="interpreter",
        key="python.interpreterPath",
        default="python",
        help="Python to use when the packages are user-managed.",
    ),
    Field(
        name="conda_dependencies_file",
        attribute="conda_file",
        key="python.condaDependenciesFile",
        kind=Kind.PATH,
        help="Conda file, relative to the source directory; instead of condaDependencies.",
    ),
    _kept("python.baseCondaEnvironment", "Conda environment to extend."),
    Field(
        name="conda_dependencies",
        attribute="conda",
        key="python.condaDependencies",
        kind=Kind.CONDA,
        help="Packages, as a conda file says them.",
    ),
    _kept("docker.enabled", "For training only."),
    Field(
        name="docker_base_image",
        attribute="base_image",
        key="docker.baseImage",
        default="the default CPU image",
        help="Image to build on; not together with baseDockerfile or buildContext.",
    ),
    Field(
        name="base_dockerfile",
        attribute="base_dockerfile",
        key="docker.baseDockerfile",
        help="Text of a Dockerfile to build on.",
    ),
    _kept("docker.buildContext", "Dockerfile in a repository or store."),
    _kept("docker.sharedVolumes", "For training only."),
    Field(
        name="shm_size",
        attribute="shm_size",
        key="docker.shmSize",
        default="2g",
        help="Size of the container's shared memory, as in 2g.",
    ),
    Field(
        name="docker_arguments",
        attribute="docker_arguments",
        key="docker.arguments",
        kind=Kind.LIST,
        help="More arguments for running the container.",
    ),
    Field(
        name="registry_address",
        attribute="image_registry.address",
        key="docker.baseImageRegistry.address",
        shorthand=True,
        help="Registry of the base image.",
    ),
    Field(
        name="registry_username",
        attribute="image_registry.username",
        key="docker.baseImageRegistry.username",
        help="User of a private registry.",
    ),
    Field(
        name="registry_password",
        attribute="image_registry.password",
        key="docker.baseImageRegistry.password",
        secret=True,
        help="Password of a private registry.",
    ),
    _kept("docker.baseImageRegistry.registryIdentity", "Managed identity for the registry."),
    _kept("docker.platform", "System and architecture of the image."),
    _kept("spark", "For Spark jobs."),
    _kept("databricks", "For Databricks jobs."),
    _kept("r", "For R jobs."),
)
