"""Conda and pip entries as requirements that pip's index can meet, with a note on each change."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from backends.configs.records import CondaSpec
from backends.errors import InvalidInput
from backends.images.conda_names import (
    NOT_PYTHON,
    NOT_PYTHON_PREFIXES,
    NUMPY_1_BEFORE,
    PIP_RENAMED,
    RENAMED,
    is_azureml,
)

_ENTRY = re.compile(r"(?:[^\s:]+::)?([A-Za-z0-9_][A-Za-z0-9_.\-]*)\s*(.*)", re.DOTALL)
_WITH_VALUE = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
}
_ALONE = {"--no-index", "--pre"}
_FILES = {"-r", "--requirement", "-c", "--constraint"}
_DEEPEST = 8
_PROJECT_FILES = ("pyproject.toml", "setup.py")


@dataclass(slots=True)
class Requirements:
    """What is to be installed; grows while entries are read."""

    python: str = ""
    """Version specifier as PEP 440 writes it (`==3.8.*`); empty when any will do."""
    packages: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    """Lines of a requirements file, one option each."""
    contents: list[str] = field(default_factory=list)
    """Digests of local files that are installed: they belong to the environment's identity."""
    notes: list[str] = field(default_factory=list)


def read_requirements(conda: CondaSpec, folder: Path) -> Requirements:
    """Everything that a conda file asks for.

    Args:
        conda: The file's content.
        folder: Where the file lies; paths in its pip section are relative to it.

    Raises:
        InvalidInput: an entry is no requirement, or names a file that does not exist.
    """
    found = Requirements()
    for entry in (*conda.packages, *conda.pip):
        if not entry.strip().replace("\t", " ").isprintable():
            raise _invalid(repr(entry), "it holds a line break or another control character")
    for entry in conda.packages:
        _add_conda(found, entry.strip())
    _add_pip(found, conda.pip, folder, depth=0)
    return found


def hold_numpy(found: Requirements) -> None:
    """Keep NumPy 1 where a pinned binary package is too old for NumPy 2."""
    parsed = [Requirement(text) for text in found.packages if _is_plain(text)]
    if any(canonicalize_name(r.name) == "numpy" and r.specifier for r in parsed):
        return
    for requirement in parsed:
        first = NUMPY_1_BEFORE.get(canonicalize_name(requirement.name))
        pins = [s.version.removesuffix(".*") for s in requirement.specifier if s.operator == "=="]
        if first and any(Version(pin) < Version(first) for pin in pins):
            found.packages.append("numpy<2")
            found.notes.append(f"numpy<2 added: {requirement} was built for NumPy 1.")
            return


def _add_conda(found: Requirements, entry: str) -> None:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise _invalid(entry, "this is not a conda requirement")
    name = canonicalize_name(match[1]) if not match[1].startswith("_") else "-" + match[1]
    specifier = _conda_version(found, entry, match[2].strip())
    if name == "python":
        found.python = specifier
    elif is_azureml(name):
        found.notes.append(f"{entry} dropped: the scoring server takes its place.")
    elif name in NOT_PYTHON or name.startswith(NOT_PYTHON_PREFIXES):
        if name != "pip":
            found.notes.append(f"{entry} dropped: it is not a Python package.")
    else:
        pip_name = RENAMED.get(name, name)
        if pip_name != name:
            found.notes.append(f"{name} is called {pip_name} by pip.")
        found.packages.append(_checked(f"{pip_name}{specifier}", entry))


def _conda_version(found: Requirements, entry: str, text: str) -> str:
    """A conda version constraint as PEP 440 (conda's MatchSpec: `=1.2` is any 1.2.x)."""
    if text.startswith("["):
        inside = re.search(r"version\s*=\s*['\"]([^'\"]+)['\"]", text)
        text = inside[1] if inside else ""
    text, build = _without_build(text)
    if build:
        found.notes.append(f"{entry}: the build string {build} is conda's own and was dropped.")
    if text.lstrip("= ") in {"", "*"}:
        return ""
    if "|" in text:
        found.notes.append(f"{entry}: alternatives ({text}) cannot be said to pip; any is taken.")
        return ""
    return ",".join(_clause(part.strip(), exact=bool(build)) for part in text.split(","))


def _without_build(text: str) -> tuple[str, str]:
    """`=1.2=py38_0` and `1.2 py38_0` carry a build string at the end."""
    fuzzy = re.fullmatch(r"(={0,2}\s*[^\s=<>!~,|]+)(?:\s+|=)([A-Za-z0-9_.*]+)", text)
    return (fuzzy[1], fuzzy[2]) if fuzzy else (text, "")


def _clause(text: str, *, exact: bool) -> str:
    operator = re.match(r"[=<>!~]*", text)
    assert operator is not None
    sign, version = operator[0], text[operator.end() :].strip()
    starred = version.endswith("*")
    bare = version.rstrip("*").rstrip(".")
    if sign in {"", "=", "=="}:
        fuzzy = starred or (sign == "=" and not exact and bool(re.fullmatch(r"[\d.]+", bare)))
        return f"=={bare}.*" if fuzzy else f"=={bare}"
    if sign == "!=" and starred:
        return f"!={bare}.*"
    return f"{sign}{bare}"


def _add_pip(found: Requirements, entries: Iterable[str], folder: Path, depth: int) -> None:
    for written in entries:
        entry = re.sub(r"(^|\s)#.*", "", written).strip()
        if not entry:
            continue
        if entry.startswith("-"):
            _add_option(found, entry, folder, depth)
        elif _is_local(entry, folder):
            _add_local(found, entry, folder)
        else:
            _add_requirement(found, entry)


def _add_requirement(found: Requirements, entry: str) -> None:
    if re.match(r"(git|hg|svn|bzr)\+|https?://|file:", entry):
        found.packages.append(entry)
        return
    requirement = _parsed(entry)
    name = canonicalize_name(requirement.name)
    if is_azureml(name):
        found.notes.append(f"{entry} dropped: the scoring server takes its place.")
        return
    if name in PIP_RENAMED:
        requirement.name = PIP_RENAMED[name]
        found.notes.append(f"{name} is called {requirement.name} by pip.")
    found.packages.append(str(requirement))


def _add_option(found: Requirements, entry: str, folder: Path, depth: int) -> None:
    name, _, value = entry.replace("=", " ", 1).partition(" ")
    if name not in _FILES | _WITH_VALUE.keys() | _ALONE and re.match(r"-[ifrce]\S", name):
        name, value = entry[:2], entry[2:]  # `-rrequirements.txt`
    value = value.strip()
    if name in _FILES:
        _add_file(found, name, folder / value, depth)
    elif name in {"-e", "--editable"}:
        _add_local(found, value, folder)
        found.notes.append(f"{value} is installed as it is now, not as an editable folder.")
    elif name in _WITH_VALUE and value:
        if _WITH_VALUE[name] == "--find-links" and _is_local(value, folder):
            value = str((folder / value).resolve())
        found.options.append(f"{_WITH_VALUE[name]} {value}")
    elif name in _ALONE:
        found.options.append(name)
    else:
        found.notes.append(f"The pip option {name} is not used here and was dropped.")


def _add_file(found: Requirements, option: str, path: Path, depth: int) -> None:
    if depth >= _DEEPEST:
        raise _invalid(f"{option} {path.name}", "requirements files include each other in a ring")
    try:
        lines = path.read_text(encoding="utf-8-sig").replace("\\\n", " ").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"{option} {path.name}", f"it cannot be read from {path.parent}") from error
    if option in {"-c", "--constraint"}:
        found.options.append(f"--constraint {path.resolve()}")
        found.contents.append(hashlib.sha256("\n".join(lines).encode()).hexdigest())
        return
    hashless = [re.sub(r"\s--hash[= ]\S+", "", line) for line in lines]
    _add_pip(found, hashless, path.parent, depth + 1)


def _is_local(entry: str, folder: Path) -> bool:
    if "://" in entry or " @ " in entry:
        return False
    looks = entry.startswith((".", "/")) or entry.endswith((".whl", ".tar.gz", ".zip"))
    return looks or (("/" in entry) and (folder / entry).exists())


def _add_local(found: Requirements, entry: str, folder: Path) -> None:
    path_text, bracket, extras = entry.partition("[")
    path = (folder / path_text).resolve()
    if not path.exists():
        raise _invalid(entry, f"there is no {path}")
    if path.is_dir() and not any((path / name).is_file() for name in _PROJECT_FILES):
        raise _invalid(entry, f"{path} is no Python project: it has no {_PROJECT_FILES[0]}")
    try:
        found.contents.append(_digest(path))
    except OSError as error:
        raise _invalid(entry, f"{path} cannot be read ({error.strerror})") from error
    found.packages.append(f"{path}{bracket}{extras}")


def _digest(path: Path) -> str:
    """Content of a file; names, sizes and times of a folder's files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for member in sorted(p for p in path.rglob("*") if p.is_file()):
        if any(part.startswith(".") for part in member.relative_to(path).parts):
            continue
        facts = member.stat()
        digest.update(f"{member}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _is_plain(text: str) -> bool:
    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def _checked(text: str, entry: str) -> str:
    _parsed(text, entry)
    return text


def _parsed(text: str, entry: str = "") -> Requirement:
    try:
        requirement = Requirement(text)
        SpecifierSet(str(requirement.specifier))
    except (InvalidRequirement, InvalidSpecifier) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise _invalid(entry or text, f"it is not a requirement ({why})") from error
    return requirement


def _invalid(entry: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"The environment lists '{entry}', but {why}.", fix="Correct that line of the conda file."
    )
