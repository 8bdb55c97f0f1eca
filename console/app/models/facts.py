"""What the detail of a model version shows, as rows: pure."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from backends.registry.records import ModelFile, ModelRow, ModelVersion, Tensor, VersionDiff
from console import present
from console.app.widgets.rows import Column, Row
from console.present import NOTHING, Cell, Tone

TABS = (
    ("files", "Files"),
    ("schema", "Schema"),
    ("tags", "Tags"),
    ("versions", "Versions"),
    ("used", "Used by"),
)
"""Key and title of the parts."""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything the detail shows of one version."""

    model: ModelVersion
    versions: tuple[ModelRow, ...]
    """All of the same name, the newest first."""
    used_by: tuple[str, ...]
    """Services."""


class Part(Struct, frozen=True):
    """One part of the detail."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str


def part(facts: Facts, key: str, now: float) -> Part:
    """The part of that key."""
    match key:
        case "files":
            return _files(facts.model, now)
        case "schema":
            return _schema(facts.model)
        case "tags":
            return _tags(facts.model, now)
        case "versions":
            return _versions(facts.versions, now)
    columns = (Column(title="SERVICE", width=20, weight=1),)
    rows = tuple(Row(name, (Cell(name),)) for name in facts.used_by)
    return Part(columns, rows, "No service uses it.")


def warnings(model: ModelVersion) -> tuple[str, ...]:
    """What to know before this version is loaded."""
    found = []
    risky = [file.path for file in model.files if file.executes_on_load]
    if risky:
        more = f" and {len(risky) - 1} more" if len(risky) > 1 else ""
        found.append(f"{risky[0]}{more} runs code on load: deploy it only if you trust its source.")
    if model.schema_problem:
        found.append(f"Its schema could not be read: {model.schema_problem}")
    return tuple(found)


def difference(diff: VersionDiff) -> Iterator[Row]:
    """Rows of a difference: fields first, then files."""
    for name, before, after in diff.fields:
        yield _change("≠", Tone.WARN, name, before, after)
    for file in diff.added:
        yield _change("+", Tone.GOOD, file.path, "", _brief(file))
    for file in diff.removed:
        yield _change("-", Tone.BAD, file.path, _brief(file), "")
    for old, new in diff.changed:
        yield _change("≠", Tone.WARN, new.path, _brief(old), _brief(new))


def file_lines(file: ModelFile) -> tuple[str, ...]:
    """Everything about one file."""
    lines = [f"{present.size(file.size)}  ({file.size:,} bytes)", f"sha256 {file.sha256}"]
    if file.executes_on_load:
        lines += ["", "Loading it imports and may call:", *file.executes_on_load]
    return tuple(lines)


def _files(model: ModelVersion, now: float) -> Part:
    columns = (
        Column(title="FILE", width=18, weight=4),
        Column(title="SIZE", width=7, right=True),
        Column(title="SHA256", width=9, rank=2),
        Column(title="CHECKED", width=16, rank=3),
        Column(title="LOADING", width=14, rank=1),
    )
    checked = f"verified {present.age(model.verified, now)} ago" if model.verified else NOTHING
    rows = tuple(
        Row(
            file.path,
            (
                Cell(file.path),
                Cell(present.size(file.size)),
                Cell(f"{file.sha256[:8]}…", Tone.DIM),
                Cell(checked, Tone.DIM),
                Cell("▲ runs code", Tone.WARN) if file.executes_on_load else Cell(""),
            ),
        )
        for file in model.files
    )
    return Part(columns, rows, "No files.")


def _schema(model: ModelVersion) -> Part:
    columns = (
        Column(title="", width=4),
        Column(title="NAME", width=14, weight=2),
        Column(title="TYPE", width=8),
        Column(title="SHAPE", width=16, weight=2),
    )
    schema = model.schema
    if schema is None:
        why = "Its schema could not be read." if model.schema_problem else "No schema is known."
        return Part(columns, (), why)
    rows = [_tensor("in", each) for each in schema.inputs]
    rows += [_tensor("out", each) for each in schema.outputs]
    facts = {"opset": str(schema.opset or ""), "producer": schema.producer, **schema.metadata}
    for key, value in facts.items():
        if value:
            cells = (Cell("", Tone.DIM), Cell(key, Tone.DIM), Cell(""), Cell(value, Tone.DIM))
            rows.append(Row(f"meta {key}", cells))
    return Part(columns, tuple(rows), "")


def _tensor(way: str, tensor: Tensor) -> Row:
    cells = (
        Cell(way, Tone.DIM),
        Cell(tensor.name),
        Cell(tensor.dtype, Tone.DIM),
        Cell(present.shape(tensor.shape)),
    )
    return Row(f"{way} {tensor.name}", cells)


def _tags(model: ModelVersion, now: float) -> Part:
    columns = (
        Column(title="", width=9, rank=1),
        Column(title="NAME", width=12, weight=1),
        Column(title="VALUE", width=14, weight=3),
    )
    rows = [_pair("tag", key, value, Tone.PLAIN) for key, value in model.tags.items()]
    rows += [_pair("property", key, value, Tone.PLAIN) for key, value in model.properties.items()]
    rows += [_pair("", key, value, Tone.DIM) for key, value in _about(model, now) if value]
    return Part(columns, tuple(rows), "")


def _pair(kind: str, key: str, value: str, tone: Tone) -> Row:
    return Row(f"{kind} {key}", (Cell(kind, Tone.DIM), Cell(key, tone), Cell(value, tone)))


def _about(model: ModelVersion, now: float) -> Sequence[tuple[str, str]]:
    asks = model.resources
    return (
        ("description", model.description),
        ("created", f"{present.date_time(model.created)} ({present.age(model.created, now)} ago)"),
        ("created by", model.created_by),
        (
            "from",
            " ".join(
                filter(None, (model.source.experiment, model.source.run_id, model.source.path))
            ),
        ),
        ("cpu", f"{asks.cpu:g} cores" if asks.cpu else ""),
        ("memory", f"{asks.memory_gb:g} GB" if asks.memory_gb else ""),
        ("gpu", str(asks.gpu or "")),
        ("sample input", model.sample_input),
        ("sample output", model.sample_output),
        ("digest", f"sha256 {model.digest}"),
    )


def _versions(versions: Sequence[ModelRow], now: float) -> Part:
    columns = (
        Column(title="VER", width=4, right=True),
        Column(title="SIZE", width=7, right=True, rank=1),
        Column(title="AGE", width=4, right=True),
        Column(title="FRAMEWORK", width=13, rank=3),
        Column(title="TAGS", width=10, weight=1, rank=2),
    )
    rows = tuple(
        Row(
            row.id,
            (
                Cell(str(row.version)),
                Cell(present.size(row.size)),
                Cell(present.age(row.created, now), Tone.DIM),
                Cell(f"{row.framework} {row.framework_version}".strip(), Tone.DIM),
                Cell(present.pairs(row.tags), Tone.DIM),
            ),
        )
        for row in versions
    )
    return Part(columns, rows, "")


def _brief(file: ModelFile) -> str:
    return f"{present.size(file.size)}  {file.sha256[:8]}…"


def _change(sign: str, tone: Tone, name: str, before: str, after: str) -> Row:
    cells = (
        Cell(sign, tone),
        Cell(name),
        Cell(before or NOTHING, Tone.DIM),
        Cell(after or NOTHING),
    )
    return Row(f"{sign}{name}", cells)
