"""What differs between two versions."""

from backends.registry.records import ModelFile, ModelSchema, ModelVersion, Tensor, VersionDiff


def difference(older: ModelVersion, newer: ModelVersion) -> VersionDiff:
    """From `older` to `newer`: files by path and content, fields by their text."""
    before = {file.path: file for file in older.files}
    after = {file.path: file for file in newer.files}
    both = [(before[path], after[path]) for path in before if path in after]
    fields = [
        (name, _fields(older).get(name, ""), _fields(newer).get(name, ""))
        for name in dict.fromkeys([*_fields(older), *_fields(newer)])
    ]
    return VersionDiff(
        added=tuple(file for path, file in after.items() if path not in before),
        removed=tuple(file for path, file in before.items() if path not in after),
        changed=tuple((old, new) for old, new in both if _content(old) != _content(new)),
        fields=tuple(one for one in fields if one[1] != one[2]),
    )


def _content(file: ModelFile) -> tuple[int, str]:
    return file.size, file.sha256


def _fields(model: ModelVersion) -> dict[str, str]:
    fields = {
        "description": model.description,
        "framework": model.framework.value,
        "framework version": model.framework_version,
        "resources": _resources(model),
        "sample input": model.sample_input,
        "sample output": model.sample_output,
    }
    fields |= {f"tag {name}": value for name, value in model.tags.items()}
    fields |= {f"property {name}": value for name, value in model.properties.items()}
    return fields | (_schema(model.schema) if model.schema else {})


def _resources(model: ModelVersion) -> str:
    asked = model.resources
    amounts = {"cpu": asked.cpu, "memory GB": asked.memory_gb, "gpu": asked.gpu}
    return ", ".join(f"{name} {amount:g}" for name, amount in amounts.items() if amount)


def _schema(schema: ModelSchema) -> dict[str, str]:
    fields = {f"input {tensor.name}": _tensor(tensor) for tensor in schema.inputs}
    fields |= {f"output {tensor.name}": _tensor(tensor) for tensor in schema.outputs}
    fields |= {"opset": str(schema.opset or ""), "producer": schema.producer}
    return fields | {f"metadata {name}": value for name, value in schema.metadata.items()}


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}]"
