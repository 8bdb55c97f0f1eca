"""The targets that a workspace knows, and their open drivers."""

import asyncio
import contextlib
import json
import threading
from types import MappingProxyType

from msgspec.structs import replace

from backends.database import Database
from backends.errors import Conflict, InvalidInput, NotFound, Refused
from backends.targets.catalog import (
    ALIASES,
    CATALOG,
    TargetRecord,
    check_settings,
    open_driver,
)
from backends.targets.driver import Driver
from backends.targets.records import TargetInfo

SCHEMA = (
    """
    CREATE TABLE targets (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        settings TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE default_target (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        name TEXT NOT NULL
    );
    """,
)
EMBEDDED = "process"
"""The target that is always there: processes on this machine."""
SELF_EVIDENT = "docker"
"""Kind that can be found without being told how; attached under this name on its first use."""


class Targets:
    """Attached targets of one workspace; blocking but for `open`, which only makes an object."""

    def __init__(self, database: Database, workspace: str) -> None:
        database.migrate("targets", SCHEMA)
        self._database = database
        self._workspace = workspace
        self._open: dict[str, tuple[TargetRecord, Driver]] = {}
        self._outdated: list[Driver] = []
        self._opening = threading.Lock()
        self._closing: asyncio.Task[None] | None = None

    def list(self) -> tuple[TargetRecord, ...]:
        """The embedded target, then the attached ones by name."""
        with self._database.read() as db:
            rows = db.execute("SELECT * FROM targets ORDER BY name").fetchall()
        attached = (self._record(row["name"], row["kind"], row["settings"]) for row in rows)
        return (self._embedded(), *attached)

    def get(self, name: str) -> TargetRecord:
        """The target of that name.

        Raises:
            NotFound: none is attached under it; the sentence lists those that are.
        """
        for target in self.list():
            if target.name == name:
                return target
        known = ", ".join(target.name for target in self.list())
        raise NotFound(
            f"No target '{name}' is attached to workspace {self._workspace} (there is: {known}).",
            fix=f"Attach it with `pilothouse computetarget attach KIND -n {name}`.",
        )

    def for_compute_type(self, kind: str) -> TargetRecord:
        """The target that a `computeType` means when none is named; the embedded one goes first.

        Without a Docker target, the engine that the Docker command line would use is attached.

        Raises:
            InvalidInput: none, or more than one, is attached of that kind.
        """
        found = [target for target in self.list() if target.kind == ALIASES.get(kind, kind)]
        chosen = self.default()
        for target in found:
            if len(found) == 1 or target.name in {EMBEDDED, chosen}:
                return target
        if found:
            names = ", ".join(target.name for target in found)
            raise InvalidInput(
                f"computeType {kind} could mean {names}.", fix="Name one with --ct TARGET."
            )
        if ALIASES.get(kind, kind) not in CATALOG:
            raise InvalidInput(
                f"There is no driver for computeType {kind}.",
                fix=f"There is: {', '.join(CATALOG)}. `--cp process` (in a file:"
                ' "computeType": "process") runs it as a process of this machine.',
            )
        if ALIASES.get(kind, kind) == SELF_EVIDENT:
            mine = TargetRecord(name=SELF_EVIDENT, kind=SELF_EVIDENT, workspace=self._workspace)
            return self._keep(mine)
        raise InvalidInput(
            f"No target of computeType {kind} is attached to workspace {self._workspace}.",
            fix=f"Attach one with `pilothouse computetarget attach {kind} -n NAME`,"
            " or use computeType process, which needs none.",
        )

    @staticmethod
    def kind_of(compute_type: str) -> str:
        """The kind of target that a `computeType` means."""
        return ALIASES.get(compute_type, compute_type)

    def default(self) -> str:
        """Name of the target that is meant where nothing is said."""
        with self._database.read() as db:
            row = db.execute("SELECT name FROM default_target JOIN targets USING (name)").fetchone()
        return str(row["name"]) if row else EMBEDDED

    def set_default(self, name: str) -> None:
        """Mean this target where nothing is said.

        Raises:
            NotFound: it is not attached.
        """
        self.get(name)
        with self._database.write() as db:
            db.execute("INSERT OR REPLACE INTO default_target VALUES (1, ?)", (name,))

    def attach(self, record: TargetRecord) -> TargetRecord:
        """Keep a target under its name; the same again changes its settings.

        Nothing is connected: a target that does not answer can be attached.

        Raises:
            InvalidInput: no driver of that kind exists, or a setting cannot be used.
            NotFound: a setting names what is not there.
            Refused: a setting is dangerous and was not insisted on.
            Conflict: the name belongs to a target of another kind.
        """
        kind = ALIASES.get(record.kind, record.kind)
        if kind not in CATALOG:
            raise InvalidInput(
                f"There is no driver for targets of kind '{record.kind}'.",
                fix=f"Kinds: {', '.join(CATALOG)}.",
            )
        for known in self.list():
            if known.name == record.name and known.kind != kind:
                raise Conflict(
                    f"Target '{known.name}' is attached already, as {known.kind}.",
                    fix="Choose another name, or detach it with `pilothouse computetarget detach`.",
                )
        check_settings(kind, record.settings)
        return self._keep(replace(record, kind=kind))

    def _keep(self, record: TargetRecord) -> TargetRecord:
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO targets VALUES (?, ?, ?)",
                (record.name, record.kind, json.dumps(dict(record.settings))),
            )
        return replace(record, workspace=self._workspace)

    def detach(self, name: str) -> None:
        """Forget a target; what runs there goes on.

        Raises:
            Refused: it is the embedded one.
            NotFound: it is not attached.
        """
        if name == EMBEDDED:
            raise Refused("The target 'process' is this machine itself and cannot be detached.")
        self.get(name)
        with self._database.write() as db:
            db.execute("DELETE FROM targets WHERE name = ?", (name,))
            db.execute("DELETE FROM default_target WHERE name = ?", (name,))
        with self._opening:
            self._retire(name)

    def open(self, name: str) -> Driver:
        """The driver of a target, made on first use and kept while its settings stay.

        Whoever changed them, this console or another program: the old driver's streams end.
        """
        record = self.get(name)
        with self._opening:
            known = self._open.get(name)
            if known is not None and known[0] == record:
                return known[1]
            driver = open_driver(record)
            self._retire(name)
            self._open[name] = (record, driver)
        return driver

    async def probe(self, record: TargetRecord) -> TargetInfo:
        """Ask a target that is not attached, or not with these settings, what it is.

        Raises:
            PilothouseError: it cannot be reached, or the settings cannot be used.
        """
        check_settings(record.kind, record.settings)
        async with open_driver(replace(record, workspace=self._workspace)) as driver:
            return await driver.check()

    async def aclose(self) -> None:
        """Close every driver that was opened; services go on."""
        with self._opening:
            for name in list(self._open):
                self._retire(name, close=False)
        await self._close_outdated()

    def _retire(self, name: str, *, close: bool = True) -> None:
        """Use a driver no more; it is closed at once where a loop runs, else at the end."""
        if name in self._open:
            self._outdated.append(self._open.pop(name)[1])
        if close:
            with contextlib.suppress(RuntimeError):
                loop = asyncio.get_running_loop()
                self._closing = loop.create_task(self._close_outdated())

    async def _close_outdated(self) -> None:
        while self._outdated:
            await self._outdated.pop().__aexit__(None, None, None)

    def _embedded(self) -> TargetRecord:
        return TargetRecord(name=EMBEDDED, kind=EMBEDDED, workspace=self._workspace)

    def _record(self, name: str, kind: str, settings: str) -> TargetRecord:
        return TargetRecord(
            name=name,
            kind=kind,
            workspace=self._workspace,
            settings=MappingProxyType(json.loads(settings)),
        )
