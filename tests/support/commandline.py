"""Running command lines: inside this process, in one of their own, or on a terminal."""

import contextlib
import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import click

from console.cli.lazy import LazyGroup
from console.cli.main import Root, run

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on stdout of a command that succeeded."""
        assert self.code == 0, self.err
        return json.loads(self.out)


class CommandLine:
    """`pilothouse`, with a home of its own and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def environment(self) -> dict[str, str]:
        """Environment variables of a run."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        own = {"PILOTHOUSE_HOME": str(self.home), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        return kept | own

    def __call__(self, *words: str, stdin: str = "") -> Ran:
        """Run in this process; stdin and both outputs are pipes."""
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        with (
            mock.patch.dict(os.environ, self.environment(), clear=True),
            mock.patch.multiple(sys, stdin=io.StringIO(stdin), stdout=out, stderr=err),
            contextlib.chdir(self.folder),
        ):
            code = run(words)
        return Ran(code=code, out=_written(out), err=_written(err))

    def data(self, *words: str) -> Any:
        """The JSON that a command line prints."""
        return self(*words).data

    @contextlib.contextmanager
    def start(
        self, *words: str, env: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[subprocess.Popen[str]]:
        """A run in a process of its own, which is gone at the end; `env` is added."""
        with subprocess.Popen(
            [sys.executable, "-m", "console", *words],
            cwd=self.folder,
            env={**self.environment(), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def process(self, *words: str) -> Ran:
        """Run in a process of its own to its end."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=SECONDS)
        return Ran(code=process.returncode, out=out, err=err)

    def on_terminal(self, *words: str) -> Ran:
        """Run in a process whose stdin, stdout and stderr are one terminal."""
        leader, follower = pty.openpty()
        try:
            with subprocess.Popen(
                [sys.executable, "-m", "console", *words],
                cwd=self.folder,
                env=self.environment(),
                stdin=follower,
                stdout=follower,
                stderr=follower,
                start_new_session=True,
            ) as process:
                os.close(follower)
                screen = "".join(_chunks(leader))
                code = process.wait(timeout=SECONDS)
        finally:
            os.close(leader)
        return Ran(code=code, out=screen.replace("\r\n", "\n"), err="")

    def delete_services(self) -> None:
        """End what is still running."""
        for service in self.data("service", "list", "--no-refresh", "-o", "json"):
            self("service", "delete", "-n", service["name"])


@contextlib.contextmanager
def command_line(folder: Path) -> Iterator[CommandLine]:
    """A command line whose services are gone at the end."""
    cli = CommandLine(folder)
    try:
        yield cli
    finally:
        cli.delete_services()


def all_commands() -> dict[str, click.Command]:
    """Every command by its words."""
    return dict(_walk(Root(), ()))


def write_json(path: Path, content: object) -> str:
    """Write a config file and give its name."""
    path.write_text(json.dumps(content, indent=1))
    return path.name


def _walk(group: LazyGroup, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    for word in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), word)
        assert command is not None
        if isinstance(command, LazyGroup):
            yield from _walk(command, (*path, word))
        else:
            yield " ".join((*path, word)), command


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


def _chunks(leader: int) -> Iterator[str]:
    end = time.monotonic() + SECONDS
    while select.select([leader], [], [], max(end - time.monotonic(), 0))[0]:
        try:
            data = os.read(leader, 65536)
        except OSError:
            return  # the last holder of the other side closed it
        if not data:
            return
        yield data.decode(errors="replace")
