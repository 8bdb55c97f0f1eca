"""Run a plan from the command line: progress on stderr, the service on stdout."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.context import Session

if TYPE_CHECKING:
    from backends.services.records import Plan, Service
    from backends.workspace import Workspace


def rollout_options(command: Any) -> Any:
    """`--no-wait`, `--timeout`, `--dry-run`, `--progress`."""
    for option in reversed(
        (
            click.option("--no-wait", is_flag=True, help="Return once the target has accepted it."),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0, min_open=True),
                metavar="SECONDS",
                help="Longest wait for it to be Healthy; exit 124 after that, it goes on.",
            ),
            click.option("--dry-run", is_flag=True, help="Show the plan and do nothing."),
            click.option(
                "--progress",
                type=click.Choice(("human", "json", "none")),
                default="human",
                show_default=True,
                help="How stderr tells what happens; json is an object a line.",
            ),
        )
    ):
        command = option(command)
    return command


async def carry_out(
    session: Session,
    workspace: "Workspace",
    plan: "Plan",
    *,
    no_wait: bool,
    timeout: float | None,
    dry_run: bool,
    progress: str,
) -> None:
    """Run a plan, or show it; the process's exit code tells whether it reached its goal.

    Raises:
        click.exceptions.Exit: it did not; the failure card is written.
    """
    for note in plan.notes:
        session.say(f"note: {note}")
    if dry_run:
        _show_plan(session, plan)
        return
    form = "none" if session.quiet else progress
    service = await _run(workspace, plan, wait=not no_wait, timeout=timeout, form=form)
    emit_service(session, workspace, service)


def emit_service(session: Session, workspace: "Workspace", service: "Service") -> None:
    """Print one service on stdout."""
    from console.cli.service_shapes import full_service, service_sheet
    from console.cli.service_shapes import service as shape

    revisions = workspace.services.revisions(service.name)
    if session.full:
        session.out.emit(full_service(service, revisions))
    else:
        session.out.emit(shape(service), table=service_sheet(service, revisions))


async def _run(
    workspace: "Workspace", plan: "Plan", *, wait: bool, timeout: float | None, form: str
) -> "Service":
    from backends.services.records import Finished, RunFailed
    from console.cli.failure import card
    from console.cli.progress import show

    events = workspace.services.run(plan, wait=wait, timeout=timeout)
    service = None
    try:
        async for event in events:
            show(event, form=form)
            if isinstance(event, Finished):
                service = event.service
            elif isinstance(event, RunFailed):
                card(event)
                raise click.exceptions.Exit(event.error.exit_code)
    finally:
        await events.aclose()
    assert service is not None, "a run ends with Finished or RunFailed"
    return service


def _show_plan(session: Session, plan: "Plan") -> None:
    from backends.errors import Unschedulable
    from console.cli.event_shapes import plan as shape

    steps = "\n".join(f"{s.stage.value:<12}{s.action:<8}{s.detail}" for s in plan.steps)
    changes = "\n".join(f"{c.field}: {c.before or '(none)'} → {c.after}" for c in plan.changes)
    checks = "\n".join(
        f"{'✓' if check.ok else '✖'} {check.name}: {check.detail}" for check in plan.preflight
    )
    table = {
        "name": plan.spec.name,
        "kind": plan.kind,
        "target": plan.spec.target,
        "revision": plan.spec.revision,
        "models": " ".join(model.id for model in plan.spec.models),
        "steps": steps,
        "changes": changes or "none",
        "checks": checks,
        "command": plan.command,
    }
    session.out.emit(shape(plan), table=table)
    if plan.blocked:
        raise Unschedulable(
            "; ".join(check.detail for check in plan.blocked),
            fix=" ".join(check.fix for check in plan.blocked if check.fix),
        )
