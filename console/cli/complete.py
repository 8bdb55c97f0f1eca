"""Words that the shell completes from the workspace: models, services, targets."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from backends.workspace import Workspace

MOST = 200
"""Words offered at most."""


def complete_models(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Ids of registered versions."""
    return _words(ctx, incomplete, lambda workspace: (r.id for r in workspace.registry.rows()))


def complete_services(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of services."""
    return _words(ctx, incomplete, lambda workspace: (s.name for s in workspace.services.list()))


def complete_targets(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of targets."""
    return _words(ctx, incomplete, lambda workspace: (t.name for t in workspace.targets.list()))


def _words(
    ctx: click.Context, incomplete: str, names: Callable[["Workspace"], Iterable[str]]
) -> list[str]:
    from pathlib import Path

    from backends.errors import PilothouseError
    from backends.workspace import Workspace

    try:
        workspace = Workspace.open(
            ctx.params.get("workspace_name") or ctx.find_root().params.get("workspace"),
            start=Path(ctx.params.get("path") or "."),
        )
    except PilothouseError:
        return []
    try:
        return [name for name in names(workspace) if name.startswith(incomplete)][:MOST]
    finally:
        workspace.close()
