"""The conda file: packages from conda and pip."""

from collections.abc import Mapping
from pathlib import Path

from backends.configs import documents
from backends.configs.building import FRAGILE
from backends.configs.field import Mismatch, shorten
from backends.configs.nodes import JSON_NUMBER, Node
from backends.configs.reader import text_of
from backends.configs.records import CondaSpec, Parsed
from backends.configs.report import Report, dotted

KEYS = ("name", "channels", "dependencies", "prefix", "variables")


def read_conda(path: Path) -> Parsed[CondaSpec]:
    """Read a conda file; what cannot be read is a problem, not an exception."""
    report = Report(str(path))
    data = documents.read(path, report)
    return report.parsed(_load(data, report) if data is not None else None, path)


def parse_conda(text: str | bytes, file: str) -> Parsed[CondaSpec]:
    """Parse a conda file's content."""
    report = Report(file)
    return report.parsed(_load(text, report))


def emit_conda(spec: CondaSpec) -> str:
    """Write a conda file."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what else would read back as a number (`1e5`) or as a fold (U+0085)."""

        def represent_str(self, data: str) -> yaml.ScalarNode:
            style = '"' if FRAGILE.search(data) else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, Dumper.represent_str)
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", JSON_NUMBER, list("-0123456789"))
    text: str = yaml.dump(conda_mapping(spec), Dumper=Dumper, sort_keys=False, allow_unicode=True)
    return text


def conda_mapping(spec: CondaSpec) -> dict[str, object]:
    """Return what a conda file holds; pip's requirements stand last."""
    dependencies: list[object] = list(spec.packages)
    if spec.pip:
        dependencies.append({"pip": list(spec.pip)})
    mapping: dict[str, object] = {"name": spec.name}
    if spec.channels:
        mapping["channels"] = list(spec.channels)
    mapping["dependencies"] = dependencies
    if spec.variables:
        mapping["variables"] = dict(spec.variables)
    if spec.prefix:
        mapping["prefix"] = spec.prefix
    return mapping


def conda_from(node: Node, report: Report, key: str) -> CondaSpec | None:
    """Read a conda specification from a node; `key` is its dotted path in the file."""
    if not isinstance(node.value, Mapping):
        _wrong(report, node, key, "must be a mapping", f"a mapping with {', '.join(KEYS)}")
        return None
    for name, child in node.value.items():
        if name not in KEYS:
            message = f"is not a key of a conda file; those are {', '.join(KEYS)}"
            _wrong(report, child, dotted(key, name), message, ", ".join(KEYS), found=name)
    return _spec(node.value, report, key)


def _spec(children: Mapping[str, Node], report: Report, key: str) -> CondaSpec:
    packages, pip = _dependencies(children.get("dependencies"), report, dotted(key, "dependencies"))
    channels = _texts(children.get("channels"), report, dotted(key, "channels"))
    return CondaSpec(
        name=_text(children.get("name"), report, dotted(key, "name")) or CondaSpec().name,
        channels=channels,
        packages=packages,
        pip=pip,
        variables=_variables(children.get("variables"), report, dotted(key, "variables")),
        prefix=_text(children.get("prefix"), report, dotted(key, "prefix")),
    )


def _load(text: str | bytes, report: Report) -> CondaSpec | None:
    root = documents.load(text, report)
    return conda_from(root, report, "") if root is not None else None


def _dependencies(
    node: Node | None, report: Report, key: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    packages: list[str] = []
    pip: Node | None = None
    for index, item in enumerate(_items(node, report, key)):
        where = f"{key}[{index}]"
        if isinstance(item.value, str) and _filled(item, report, where):
            packages.append(item.text)
        elif isinstance(item.value, Mapping):
            pip = _pip_section(item, pip, report, where)
        elif not isinstance(item.value, str):
            _wrong(report, item, where, "must be text", "text, or one mapping {pip: [...]}")
    return tuple(packages), _requirements(pip, report, f"{key}.pip")


def _pip_section(item: Node, seen: Node | None, report: Report, key: str) -> Node | None:
    assert isinstance(item.value, Mapping), "the caller looked"
    allowed = "one mapping {pip: [...]}"
    for name, child in item.value.items():
        if name != "pip":
            message = "is not known here; only pip is"
            _wrong(report, child, f"{key}.{name}", message, allowed, found=name)
        elif seen is not None:
            message = f"is the second list of pip requirements; line {seen.line} has the first"
            _wrong(report, child, f"{key}.pip", message, allowed, found="two lists")
        else:
            seen = child
    return seen


def _requirements(node: Node | None, report: Report, key: str) -> tuple[str, ...]:
    entries = []
    for index, item in enumerate(_items(node, report, key)):
        where = f"{key}[{index}]"
        if not isinstance(item.value, str):
            _wrong(report, item, where, "must be text", "a requirement or a pip option")
        elif _filled(item, report, where):
            entries.append(item.text)
            _doubt(item, report, where)
    return tuple(entries)


def _doubt(item: Node, report: Report, key: str) -> None:
    """Warn of a requirement that pip will not understand; paths, URLs and options pass."""
    from packaging.requirements import InvalidRequirement, Requirement

    text = item.text.split(" #")[0].strip()
    if text.startswith(("-", "#", ".", "/")) or "://" in text or text.endswith((".whl", ".gz")):
        return
    try:
        Requirement(text)
    except InvalidRequirement as error:
        reason = shorten(str(error).splitlines()[0], 100)
        report.warning(
            f"pip may not understand {shorten(item.text)}: {reason}.",
            line=item.line,
            key=key,
            found=item.text,
            allowed="a requirement, as in numpy==1.26.4",
        )


def _items(node: Node | None, report: Report, key: str) -> tuple[Node, ...]:
    if node is None or node.value is None:
        return ()
    if isinstance(node.value, tuple):
        return node.value
    _wrong(report, node, key, "must be a list", "a list")
    return ()


def _texts(node: Node | None, report: Report, key: str) -> tuple[str, ...]:
    texts = []
    for index, item in enumerate(_items(node, report, key)):
        if not isinstance(item.value, str):
            _wrong(report, item, f"{key}[{index}]", "must be text", "text")
        elif _filled(item, report, f"{key}[{index}]"):
            texts.append(item.text)
    return tuple(texts)


def _text(node: Node | None, report: Report, key: str) -> str:
    if node is None:
        return ""
    try:
        return text_of(node, key)
    except Mismatch as mismatch:
        _wrong(report, node, key, str(mismatch), "text")
        return ""


def _variables(node: Node | None, report: Report, key: str) -> Mapping[str, str]:
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        _wrong(report, node, key, "must be a mapping", "names and their values")
        return {}
    pairs = {}
    for name, child in node.value.items():
        if child.value is None:
            continue
        if name and "\0" not in name:
            pairs[name] = _text(child, report, f"{key}.{name}")
        else:
            _wrong(report, child, key, "has a name that is empty or holds a NUL", "names")
    return pairs


def _filled(item: Node, report: Report, key: str) -> bool:
    """The text is not blank and holds no NUL, else that is reported."""
    if item.text.strip() and "\0" not in item.text:
        return True
    _wrong(report, item, key, "is empty or holds a NUL character", "text", found="no text")
    return False


def _wrong(
    report: Report, node: Node, key: str, message: str, allowed: str, found: str = ""
) -> None:
    said = f"{shorten(key, 120) or 'The file'} {message}{'' if found else f', and is {node.kind}'}."
    report.error(said, line=node.line, key=key, found=found or node.kind, allowed=allowed)
