"""Registered environments: named, versioned, the same content keeps its version."""

from msgspec.structs import replace

from backends.configs.environment import emit_environment, parse_environment
from backends.configs.records import Environment
from backends.database import Database
from backends.errors import InvalidInput, NotFound

SCHEMA = (
    """
    CREATE TABLE environments (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (name, version)
    );
    """,
)
RESERVED = ("azureml", "microsoft")
"""Prefixes of curated environments' names, any case."""


class Environments:
    """Environments of one workspace; blocking."""

    def __init__(self, database: Database) -> None:
        database.migrate("environments", SCHEMA)
        self._database = database

    def register(self, environment: Environment) -> Environment:
        """Keep an environment; identical content returns the version it has already.

        Raises:
            InvalidInput: it has no name, or a curated one's.
        """
        if not environment.name or environment.name.lower().startswith(RESERVED):
            raise InvalidInput(
                f"'{environment.name}' cannot name an environment"
                " (empty, or reserved for curated ones: AzureML…, Microsoft…).",
                fix="Give it a name of your own.",
            )
        content = emit_environment(replace(environment, version="", reference=False))
        with self._database.write() as db:
            row = db.execute(
                "SELECT version FROM environments WHERE name = ? AND content = ?",
                (environment.name, content),
            ).fetchone()
            if row is None:
                row = db.execute(
                    "INSERT INTO environments SELECT ?1, COALESCE(MAX(version), 0) + 1, ?2"
                    " FROM environments WHERE name = ?1 RETURNING version",
                    (environment.name, content),
                ).fetchone()
        return replace(environment, version=str(row[0]), reference=False)

    def get(self, name: str, version: str = "") -> Environment:
        """A registered environment, the newest version when none is named.

        Raises:
            NotFound: it is not registered; the sentence lists what is.
        """
        with self._database.read() as db:
            row = db.execute(
                "SELECT * FROM environments WHERE name = ?1 AND (?2 = '' OR version = ?2)"
                " ORDER BY version DESC LIMIT 1",
                (name, version),
            ).fetchone()
        if row is None:
            known = ", ".join(sorted({e.name for e in self.list()})) or "none"
            raise NotFound(
                f"No environment '{name}{':' + version if version else ''}' is registered"
                f" (registered: {known}).",
                fix="Register it with `pilothouse environment register -d DIRECTORY`.",
            )
        return _environment(row["content"], row["version"])

    def find(self, name: str, version: str = "") -> Environment | None:
        """Like `get`, but None when it is not registered."""
        try:
            return self.get(name, version)
        except NotFound:
            return None

    def list(self, name: str = "") -> tuple[Environment, ...]:
        """All versions, by name, newest first."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM environments WHERE ?1 IN ('', name) ORDER BY name, version DESC",
                (name,),
            ).fetchall()
        return tuple(_environment(row["content"], row["version"]) for row in rows)


def _environment(content: str, version: int) -> Environment:
    parsed = parse_environment(content, "registered environment")
    assert parsed.config is not None, parsed.problems
    return replace(parsed.config, version=str(version), reference=False)
