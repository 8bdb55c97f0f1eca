"""A program with a terminal, run beside a service: what a driver's `exec` gives."""

from abc import ABC, abstractmethod

from msgspec import Struct


class ExecRequest(Struct, frozen=True, kw_only=True):
    """What is to run, and how large the terminal is at first."""

    command: tuple[str, ...] = ()
    """Empty: a shell."""
    replica: str = ""
    """As `Replica.name` has it; empty: one that serves."""
    columns: int = 80
    rows: int = 24
    terminal: str = "xterm-256color"
    """What `TERM` says."""


class Terminal(ABC):
    """A running program's terminal; leaving the context that gave it hangs the program up."""

    replica: str = ""
    """Where it runs."""

    @abstractmethod
    async def read(self) -> bytes:
        """What the program wrote since; empty once it has ended or the road to it is cut."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Keys for the program."""

    @abstractmethod
    async def resize(self, columns: int, rows: int) -> None:
        """Tell the program how large the terminal is now."""

    @abstractmethod
    async def exit_code(self) -> int | None:
        """What the program ended with; None while it runs, or when nobody can tell any more."""
