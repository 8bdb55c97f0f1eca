"""Models on a terminal: a row of the list, and one version with its files and schema."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends.registry.records import ModelRow, ModelVersion


def cells(row: "ModelRow") -> dict[str, Any]:
    """A row of `model list`."""
    from console.cli.times import iso
    from console.present import size

    return {
        "name": row.name,
        "version": row.version,
        "id": row.id,
        "framework": " ".join(filter(None, (row.framework.value, row.framework_version))),
        "size": size(row.size),
        "createdTime": iso(row.created),
        "tags": dict(row.tags),
    }


def sheet(found: "ModelVersion", used: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `model show` and `register` put on a terminal: what is said, files and schema."""
    from console.cli.shapes import model
    from console.present import size

    lines = {key: part for key, part in model(found).items() if part not in (None, "", {})}
    lines["size"] = size(found.size)
    lines["files"] = "\n".join(
        f"{file.path}  {size(file.size)}  sha256 {file.sha256[:12]}…" for file in found.files
    )
    if found.schema:
        for title, tensors in (("inputs", found.schema.inputs), ("outputs", found.schema.outputs)):
            lines[title] = "\n".join(
                f"{t.name}  {t.dtype}  [{', '.join(map(str, t.shape))}]" for t in tensors
            )
    if used:
        lines["usedBy"] = ", ".join(used)
    return lines


def compared(shape: dict[str, Any]) -> dict[str, str]:
    """The difference from another version, a line each; empty when none was asked for."""
    if "difference" not in shape:
        return {}
    parts = shape["difference"]
    lines = [f"+ {file['path']}" for file in parts["added"]]
    lines += [f"- {file['path']}" for file in parts["removed"]]
    lines += [f"~ {change['after']['path']}" for change in parts["changed"]]
    lines += [f"~ {f['field']}: {f['before']} → {f['after']}" for f in parts["fields"]]
    return {"difference": "\n".join(lines) or "none"}
