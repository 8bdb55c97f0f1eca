"""What one run of one command knows: its flags, its workspace, where it writes."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from console.cli.output import Output
from console.cli.text import printable

if TYPE_CHECKING:
    from backends.workspace import Workspace


class Session(Struct, frozen=True, kw_only=True):
    """The global flags of one command."""

    out: Output
    workspace_name: str | None
    """What `-w` said; None leaves the choice to the environment and the project's file."""
    resource_group: str
    start: Path
    """Where the search for the project's config.json begins."""
    full: bool
    """`-v`: print whole objects."""
    verbose: bool
    quiet: bool
    """`--only-show-errors`."""

    @classmethod
    def from_flags(cls, given: Mapping[str, Any]) -> "Session":
        """Make it from the values of the global flags."""
        return cls(
            out=Output.choose(given["output"], given["query"]),
            workspace_name=given["workspace_name"],
            resource_group=given["resource_group"] or "",
            start=Path(given["path"]),
            full=bool(given.get("full")),
            verbose=given["verbose"],
            quiet=given["only_show_errors"],
        )

    def say(self, text: str) -> None:
        """Write a note to stderr unless only errors are wanted."""
        if not self.quiet:
            click.echo(printable(text), err=True)

    @contextmanager
    def workspace(self) -> Generator["Workspace", None, None]:
        """The workspace that the flags name, closed at the end; for commands that block."""
        workspace = self._open()
        try:
            yield workspace
        finally:
            workspace.close()

    @asynccontextmanager
    async def live_workspace(self) -> AsyncGenerator["Workspace", None]:
        """The same for asynchronous commands: the targets that were opened are closed too."""
        workspace = self._open()
        try:
            yield workspace
        finally:
            await workspace.aclose()

    def _open(self) -> "Workspace":
        from backends.workspace import Workspace

        workspace = Workspace.open(self.workspace_name, start=self.start)
        if self.verbose:
            self.say(f"workspace {workspace.name} in {workspace.root}")
        return workspace


def asynchronous(
    command: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Let an async function be a click callback: it runs in a loop of its own."""

    @wraps(command)
    def blocking(*args: object, **kwargs: object) -> None:
        import asyncio

        asyncio.run(command(*args, **kwargs))

    return blocking
