"""What the registry keeps of a model version."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from backends.targets.records import Resources


class Framework(StrEnum):
    """Model frameworks of Azure ML v1."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKITLEARN = "ScikitLearn"
    ONNX = "Onnx"
    PYTORCH = "PyTorch"
    MULTI = "Multi"
    TFKERAS = "TfKeras"


class ModelFile(Struct, frozen=True, kw_only=True):
    """One file of a version."""

    path: str
    """Relative to the model directory, with `/`; a folder model keeps its folder's name."""
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex."""
    executes_on_load: tuple[str, ...] = ()
    """For pickle-based files: the globals that loading would import (`module name`), sorted.

    An entry that begins with `? ` says why more may be imported than could be read.
    """


class Tensor(Struct, frozen=True, kw_only=True):
    """One input or output of a model."""

    name: str
    dtype: str
    """numpy's name: float32, int64, str …"""
    shape: tuple[int | str, ...]
    """A fixed size, or the name of a free dimension (`?` when it has none)."""


class ModelSchema(Struct, frozen=True, kw_only=True):
    """What inspection found inside a model file."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    opset: int | None = None
    producer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Source(Struct, frozen=True, kw_only=True):
    """Where a version's files came from."""

    path: str = ""
    """Local path, or the asset path inside the run."""
    experiment: str = ""
    run_id: str = ""


class ModelVersion(Struct, frozen=True, kw_only=True):
    """One immutable version of a model; only tags, description and the like may change."""

    name: str
    version: int
    created: float
    """Seconds since the epoch."""
    created_by: str
    files: tuple[ModelFile, ...]
    digest: str
    """sha256 over the manifest (sorted path, size, sha256): identity of the content."""
    description: str = ""
    framework: Framework = Framework.CUSTOM
    framework_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    schema: ModelSchema | None = None
    schema_problem: str = ""
    """Why inspection of a file that looked inspectable failed."""
    sample_input: str = ""
    """A request body for the tester, or a dataset id."""
    sample_output: str = ""
    source: Source = field(default_factory=Source)
    verified: float | None = None
    """When its blobs were last re-hashed and found good."""

    @property
    def id(self) -> str:
        """`name:version`."""
        return f"{self.name}:{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class ModelRow(Struct, frozen=True, kw_only=True):
    """A version as a list shows it: no files, no schema."""

    name: str
    version: int
    created: float
    framework: Framework
    framework_version: str
    size: int
    tags: Mapping[str, str]
    description: str
    used_by: int
    """Services that carry it."""

    @property
    def id(self) -> str:
        """`name:version`."""
        return f"{self.name}:{self.version}"


class Registration(Struct, frozen=True, kw_only=True):
    """A request to register a version; checked as a whole before anything is copied."""

    name: str
    path: str
    """A file or a folder."""
    child_paths: tuple[str, ...] = ()
    """Files or folders inside the folder `path`: only these are stored."""
    description: str = ""
    framework: Framework | None = None
    """None: guessed from the file (`.onnx`), else Custom."""
    framework_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    sample_input: str = ""
    sample_output: str = ""
    experiment: str = ""
    run_id: str = ""


class VersionDiff(Struct, frozen=True, kw_only=True):
    """Difference of two versions, from the older to the newer."""

    added: tuple[ModelFile, ...]
    removed: tuple[ModelFile, ...]
    changed: tuple[tuple[ModelFile, ModelFile], ...]
    fields: tuple[tuple[str, str, str], ...]
    """(field, before, after) for tags, properties, framework, schema, description."""


class Damage(Struct, frozen=True, kw_only=True):
    """A stored file whose bytes are not what was registered."""

    id: str
    """`name:version`."""
    path: str
    sha256: str
    """What the bytes should hash to."""
    problem: str
    """missing, or what they hash to now."""


class VerifyReport(Struct, frozen=True, kw_only=True):
    """What re-hashing found."""

    versions: int
    """How many were looked at."""
    files: int
    """How many blobs were read (a blob that several versions share is read once)."""
    size: int
    """Bytes read."""
    damaged: tuple[Damage, ...]

    @property
    def ok(self) -> bool:
        """Every byte is what was registered."""
        return not self.damaged
