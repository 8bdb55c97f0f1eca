"""`pilothouse config check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.context import Session
from console.cli.options import Command
from console.present import count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.configs.records import Parsed, Problem

KINDS = ("inference", "deployment", "conda", "environment")


@click.command("check", cls=Command)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--kind", type=click.Choice(KINDS), help="What the files are; else seen from their keys."
)
@click.pass_obj
def check(session: Session, files: tuple[str, ...], kind: str | None) -> None:
    """Name every problem of config files with line and key; exit 1 when one is an error."""
    problems = [
        problem for name in files for problem in _problems(Path(name), kind or _kind_of(Path(name)))
    ]
    table = [
        {"where": _where(p), "severity": p.severity.value, "problem": p.message} for p in problems
    ]
    session.out.emit([_shape(problem) for problem in problems], table=table)
    errors = sum(problem.severity.value == "error" for problem in problems)
    counts = {"file": len(files), "error": errors, "warning": len(problems) - errors}
    session.say(", ".join(count(number, word) for word, number in counts.items()))
    if errors:
        raise click.exceptions.Exit(1)


def _kind_of(path: Path) -> str:
    """Seen from what only one kind of file has; an inference config when nothing tells."""
    if path.is_dir():
        return "environment"
    try:
        text = path.read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return "inference"
    if "computetype" in text:
        return "deployment"
    if "entryscript" in text:
        return "inference"
    if path.suffix in {".yml", ".yaml"} and "dependencies" in text:
        return "conda"
    return "environment" if '"python"' in text or '"docker"' in text else "inference"


def _problems(path: Path, kind: str) -> "tuple[Problem, ...]":
    from backends.configs.conda import read_conda
    from backends.configs.deployment import check_deployment, read_deployment
    from backends.configs.environment import parse_environment, read_environment_directory
    from backends.configs.inference import check_inference, read_inference
    from backends.configs.records import DeploymentConfig, InferenceConfig

    def environment(path: Path) -> "Parsed[Any]":
        if path.is_dir():
            return read_environment_directory(path)
        return parse_environment(path.read_bytes(), str(path))

    readers: Mapping[str, Callable[[Path], Parsed[Any]]] = {
        "inference": read_inference,
        "deployment": read_deployment,
        "conda": read_conda,
        "environment": environment,
    }
    parsed = readers[kind](path)
    match parsed.config:
        case InferenceConfig() as inference:
            return (*parsed.problems, *check_inference(inference, Path()))
        case DeploymentConfig() as deployment:
            return (*parsed.problems, *check_deployment(deployment, Path()))
    return parsed.problems


def _where(problem: "Problem") -> str:
    return f"{problem.file}:{problem.line}" if problem.line else problem.file


def _shape(problem: "Problem") -> dict[str, Any]:
    return {
        "severity": problem.severity.value,
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "found": problem.found,
        "allowed": problem.allowed,
        "message": problem.message,
    }
