"""Checks of an inference config against the files it names, before anything is built."""

import ast
import keyword
import stat
import warnings
from pathlib import Path

from backends.configs.field import shorten
from backends.configs.records import InferenceConfig, Problem
from backends.configs.report import Report

MAX_SCRIPT_BYTES = 1024 * 1024


def check_inference(
    config: InferenceConfig, base: Path, *, file: str = "inference config"
) -> tuple[Problem, ...]:
    """Report every file that is missing, misplaced, or not Python that parses.

    Args:
        config: `source_directory` is relative to `base`; other paths to the source directory
            when there is one, else to `base`.
        base: The current directory of the command.
        file: What the problems of the config itself name.
    """
    report = Report(file)
    root = _root(config, base, report)
    if root is not None:
        _check_script(config, root, report)
        _check_files(config, root, report)
    return tuple(report.problems)


def _root(config: InferenceConfig, base: Path, report: Report) -> Path | None:
    if not config.source_directory:
        return base
    root = base / config.source_directory
    if _is(root, folder=True):
        return root
    report.error(
        f"sourceDirectory {shorten(config.source_directory)} is not a folder in {base}.",
        key="sourceDirectory",
        found=config.source_directory,
        allowed="an existing folder, relative to the current one",
    )
    return None


def _check_script(config: InferenceConfig, root: Path, report: Report) -> None:
    path = root / config.entry_script
    allowed = "an existing .py file whose name is a Python identifier"
    faults = _name_faults(path)
    if not _is(path, folder=False):
        faults = [f"is not a file: {path} was expected", *faults]
    elif config.source_directory and not _inside(path, root):
        faults.append(f"lies outside sourceDirectory {config.source_directory}")
    for fault in faults:
        report.error(
            f"entryScript {shorten(config.entry_script)} {fault}.",
            key="entryScript",
            found=config.entry_script,
            allowed=allowed,
        )
    if not faults:
        _check_source(path, report)


def _name_faults(path: Path) -> list[str]:
    faults = []
    if path.suffix != ".py":
        faults.append(f"ends with {path.suffix or 'nothing'}, not with .py")
    if not path.stem.isidentifier():
        faults.append(f"cannot be imported: {shorten(path.stem)} is not a Python identifier")
    elif keyword.iskeyword(path.stem):
        faults.append(f"cannot be imported: {path.stem} is a word of Python itself")
    return faults


def _check_source(path: Path, report: Report) -> None:
    try:
        with path.open("rb") as stream:
            source = stream.read(MAX_SCRIPT_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        report.error(
            f"{path} cannot be read: {reason}.",
            file=str(path),
            key="entryScript",
            found=reason,
            allowed="a readable file",
        )
        return
    if len(source) > MAX_SCRIPT_BYTES:
        report.error(
            "The entry script is larger than 1 MB.",
            file=str(path),
            key="entryScript",
            found="more than 1 MB",
            allowed="at most 1 MB",
        )
        return
    tree = _parsed(source, path, report)
    if tree is not None and not _defines_run(tree):
        report.warning(
            "The entry script defines no run(data) at its top level.",
            file=str(path),
            key="entryScript",
            found="no run",
            allowed="a function run(data)",
        )


def _parsed(source: bytes, path: Path, report: Report) -> ast.Module | None:
    """Parse without running; a script is not trusted to be Python at all."""
    line: int | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        reason, line = error.msg, error.lineno
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deep"
    report.error(
        f"The entry script is not Python that parses: {shorten(reason, 120)}. "
        f"Try it here: python -m py_compile {path.name}",
        file=str(path),
        line=line,
        key="entryScript",
        found=reason,
        allowed="Python source",
    )
    return None


def _defines_run(tree: ast.Module) -> bool:
    """Some statement outside functions and classes binds `run`, or may (`import *`)."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name="run") | ast.AsyncFunctionDef(name="run"):
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Expr():
                continue
            case _:
                if any(_binds_run(inner) for inner in ast.walk(node)):
                    return True
    return False


def _binds_run(node: ast.AST) -> bool:
    match node:
        case ast.alias():
            return (node.asname or node.name) in {"run", "*"}
        case ast.Name(id="run", ctx=ast.Store()):
            return True
        case ast.FunctionDef(name="run") | ast.AsyncFunctionDef(name="run"):
            return True
    return False


def _check_files(config: InferenceConfig, root: Path, report: Report) -> None:
    environment = config.environment
    named = {
        "condaFile": config.conda_file,
        "extraDockerfileSteps": config.extra_docker_steps,
        "environment.python.condaDependenciesFile": environment.conda_file if environment else "",
    }
    for key, name in named.items():
        if name and not _is(root / name, folder=False):
            report.error(
                f"{key} {shorten(name)} is not a file: {root / name} was expected.",
                key=key,
                found=name,
                allowed="an existing file, relative to the source directory",
            )


def _is(path: Path, *, folder: bool) -> bool:
    """It exists and is of this sort; a name that no system call takes does not."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)


def _inside(path: Path, root: Path) -> bool:
    """Links followed, the path lies below the folder."""
    return path.resolve().is_relative_to(root.resolve())
