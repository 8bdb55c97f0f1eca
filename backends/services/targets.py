"""The targets that a workspace knows, and their open drivers."""

import json
from types import MappingProxyType

from msgspec.structs import replace

from backends.database import Database
from backends.errors import Conflict, InvalidInput, NotFound, Refused
from backends.targets.catalog import ALIASES, CATALOG, TargetRecord, open_driver
from backends.targets.driver import Driver

SCHEMA = (
    """
    CREATE TABLE targets (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        settings TEXT NOT NULL
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
        self._open: dict[str, Driver] = {}

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
        if len(found) == 1 or (found and found[0].name == EMBEDDED):
            return found[0]
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
            return self.attach(mine)
        raise InvalidInput(
            f"No target of computeType {kind} is attached to workspace {self._workspace}.",
            fix=f"Attach one with `pilothouse computetarget attach {kind} -n NAME`,"
            " or use computeType process, which needs none.",
        )

    def attach(self, record: TargetRecord) -> TargetRecord:
        """Keep a target under its name; the same again changes its settings.

        Raises:
            InvalidInput: no driver of that kind exists.
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
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO targets VALUES (?, ?, ?)",
                (record.name, kind, json.dumps(dict(record.settings))),
            )
        return replace(record, kind=kind, workspace=self._workspace)

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
        self._open.pop(name, None)

    def open(self, name: str) -> Driver:
        """The driver of a target, made on first use and kept."""
        if name not in self._open:
            self._open[name] = open_driver(self.get(name))
        return self._open[name]

    async def aclose(self) -> None:
        """Close every driver that was opened; services go on."""
        while self._open:
            _, driver = self._open.popitem()
            await driver.__aexit__(None, None, None)

    def _embedded(self) -> TargetRecord:
        return TargetRecord(name=EMBEDDED, kind=EMBEDDED, workspace=self._workspace)

    def _record(self, name: str, kind: str, settings: str) -> TargetRecord:
        return TargetRecord(
            name=name,
            kind=kind,
            workspace=self._workspace,
            settings=MappingProxyType(json.loads(settings)),
        )
