"""The failure card: why a rollout failed, on stderr, with the evidence that there is."""

import sys
from itertools import takewhile

import click

from backends.services.records import RunFailed, Service
from backends.targets.records import Evidence
from console.cli.colour import paint
from console.cli.text import one_line, printable

FRAMES = 12
"""Lines of a traceback's end that are shown."""
LINES = 15
"""Last lines of a log or a build that are shown."""
TREE = "The model directory "
"""Begins the scoring server's listing of it, which is the last that a failed start logs."""


def card(failed: RunFailed) -> None:
    """Write the sentence, the traceback's end, the last lines, and what to try."""
    error, service = failed.error, failed.service
    click.echo(
        f"{paint('✖', 'red', sys.stderr)} {failed.stage.value}: {one_line(error.what)}", err=True
    )
    evidence = service.evidence if service else None
    if evidence and evidence.traceback:
        _block("traceback", evidence.traceback.splitlines(), FRAMES)
    if evidence and evidence.last_lines and not _said(evidence):
        _block("last lines", list(evidence.last_lines), LINES)
    elif error.detail and not (evidence and evidence.traceback):
        _block("last lines", error.detail.splitlines(), LINES)
    if evidence and evidence.model_tree:
        _block("model directory", list(evidence.model_tree), LINES)
    for advice in _advice(failed, service):
        click.echo(f"  fix: {advice}", err=True)


def _said(evidence: Evidence) -> bool:
    """The last lines are the traceback and the model directory again, and nothing else."""
    lines = takewhile(lambda line: not line.startswith(TREE), evidence.last_lines)
    told = {line.strip() for line in evidence.traceback.splitlines()}
    return all(line.strip() in told for line in lines)


def _advice(failed: RunFailed, service: Service | None) -> list[str]:
    advice = [one_line(failed.error.fix)] if failed.error.fix else []
    if service is None:
        return advice
    if service.evidence.out_of_memory:
        advice.append("It ran out of memory: raise --memory-gb.")
    if service.serving is not None and service.serving != service.spec.revision:
        advice.append(f"Revision {service.serving} still serves.")
    return advice


def _block(title: str, lines: list[str], most: int) -> None:
    cut = len(lines) - most
    click.echo(f"  {title}{f' (last {most} of {len(lines)} lines)' if cut > 0 else ''}:", err=True)
    for line in printable("\n".join(lines[-most:])).splitlines():
        click.echo(f"  ┆ {line}", err=True)
