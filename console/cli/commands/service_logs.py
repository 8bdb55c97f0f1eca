"""`pilothouse service get-logs`."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from console.cli.context import Session, asynchronous
from console.cli.options import Command, accepted
from console.cli.service_options import service_name
from console.cli.text import printable
from console.cli.times import clock, moment

if TYPE_CHECKING:
    from backends.targets.records import Gap, LogLine, StreamEnd

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command("get-logs", cls=Command)
@service_name
@click.option(
    "-l",
    "--num_lines",
    "--num-lines",
    "num_lines",
    default=5000,
    show_default=True,
    type=click.IntRange(min=0),
    help="Only the last so many lines of what is there.",
)
@accepted("-i", "--init", is_flag=True, help="Accepted; the log begins with init() anyway.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--since", metavar="WHEN", help="A time, or an age as in 10m.")
@click.option("--previous", is_flag=True, help="The log of the process before this one.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="This and worse.")
@click.pass_obj
@asynchronous
async def get_logs(
    session: Session,
    name: str,
    num_lines: int,
    follow: bool,
    since: str | None,
    previous: bool,
    level: str | None,
) -> None:
    """Print a service's log; with -o json a JSON object a line.

    On a terminal escape sequences are taken out; in a pipe lines are as the service wrote them.
    """
    from backends.targets.records import Gap, LogLine, LogQuery

    query = LogQuery(
        since=moment(since, now=time.time()) if since else None,
        tail=num_lines,
        follow=follow,
        previous=previous,
    )
    as_json = session.out.chosen and session.out.format in {"json", "jsonc", "yaml"}
    least = LEVELS.index(level.upper()) if level else 0
    async with session.live_workspace() as workspace:
        lines = workspace.services.logs(name, query)
        try:
            async for item in lines:
                if not isinstance(item, LogLine):
                    _say(session, item, gap=isinstance(item, Gap), follow=follow)
                elif item.level not in LEVELS or LEVELS.index(item.level) >= least:
                    click.echo(_json(item) if as_json else _text(item), color=True)
        finally:
            await lines.aclose()


def _text(line: "LogLine") -> str:
    parts = (clock(line.time), line.replica, f"{line.level:<7}", line.text)
    text = " ".join(filter(None, parts))
    return printable(text) if sys.stdout.isatty() else text


def _json(line: "LogLine") -> str:
    from console.cli.event_shapes import log_line

    return json.dumps(log_line(line))


def _say(session: Session, item: "Gap | StreamEnd", *, gap: bool, follow: bool) -> None:
    """Loss is always told; why a stream ended only to someone who follows it."""
    if gap:
        lost = getattr(item, "lost", None)
        count = "nothing" if lost == 0 else "an unknown number of lines" if lost is None else lost
        session.say(f"── gap: {item.reason}; missing: {count} ──")
    elif follow:
        session.say(f"── end: {item.reason} ──")
