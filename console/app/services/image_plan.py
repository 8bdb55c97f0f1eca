"""What an image will be made of, before it is built. Pure."""

from backends.services.records import Plan
from console import present
from console.printable import printable

NAMED = 6
"""Packages that are named; the others are counted."""

Fact = tuple[str, str]
"""What it is about, and what is known."""


def image_facts(plan: Plan, size: int | None = None) -> list[Fact]:
    """Base, packages, steps and size of the environment's image; empty where none is built.

    Args:
        plan: Of a target that runs images, or of any other.
        size: Bytes of the image when the engine has it already.
    """
    environment = plan.environment
    container = environment.container if environment is not None else None
    if environment is None or container is None:
        return []
    if container.base_image:
        base = container.base_image
        if container.registry.address and not base.startswith(container.registry.address):
            base = f"{container.registry.address}/{base}"
    elif container.base_dockerfile:
        count = len(container.base_dockerfile.strip().splitlines())
        base = f"made by a Dockerfile of {present.count(count, 'line')}"
    elif container.needs_conda:
        base = f"one with conda, for {', '.join(container.needs_conda)}"
    else:
        pinned = "which the conda file pins" if container.pinned else "the server's own"
        base = f"python:{environment.python}-slim (Python {environment.python}, {pinned})"
    facts = [("base", base)]
    if container.user_managed:
        facts.append(("packages", "none: the base has all of them (user-managed)"))
    else:
        facts.append(("packages", _packages(environment.requirements)))
    if steps := _instructions(container.steps):
        facts.append(("steps", f"{present.count(steps, 'Docker instruction')} after the packages"))
    facts.append(("size", present.size(size) if size else "known once it is built"))
    return [(name, present.plain(printable(text))) for name, text in facts]


def _packages(requirements: tuple[str, ...]) -> str:
    if not requirements:
        return "none besides the server's"
    named = ", ".join(requirements[:NAMED])
    more = len(requirements) - NAMED
    return f"{len(requirements)}: {named}{f' and {more} more' if more > 0 else ''}"


def _instructions(text: str) -> int:
    """Lines that begin an instruction: neither comments nor what goes on from a line before."""
    count, goes_on = 0, False
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        count += not goes_on
        goes_on = line.rstrip().endswith("\\")
    return count
