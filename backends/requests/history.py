"""Requests that were sent and what came back, and requests saved by name."""

import json
from sqlite3 import Row

from msgspec import Struct

from backends.database import Database
from backends.requests.records import Answer, Request, Timing

SCHEMA = (
    """
    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY,
        service TEXT NOT NULL,
        at REAL NOT NULL,
        request TEXT NOT NULL,
        status INTEGER NOT NULL,
        reason TEXT NOT NULL,
        headers TEXT NOT NULL,
        body BLOB NOT NULL,
        timing TEXT NOT NULL,
        request_id TEXT NOT NULL
    );
    CREATE INDEX exchanges_of_service ON exchanges (service, id);
    CREATE TABLE saved_requests (
        service TEXT NOT NULL,
        name TEXT NOT NULL,
        request TEXT NOT NULL,
        PRIMARY KEY (service, name)
    );
    """,
)
KEPT = 200
"""Exchanges kept of one service; older ones go."""
KEPT_BODY = 256 * 1024
"""Bytes of an answer's body that are kept."""
SECRET_HEADERS = frozenset({"authorization", "x-api-key", "cookie", "proxy-authorization"})


class Exchange(Struct, frozen=True):
    """A request and its answer."""

    request: Request
    answer: Answer


class History:
    """Exchanges and saved requests of one workspace; blocking."""

    def __init__(self, database: Database) -> None:
        database.migrate("requests", SCHEMA)
        self._database = database

    def add(self, request: Request, answer: Answer) -> None:
        """Keep an exchange; headers that carry secrets are left out."""
        timing = {name: getattr(answer.timing, name) for name in Timing.__struct_fields__}
        with self._database.write() as db:
            db.execute(
                "INSERT INTO exchanges (service, at, request, status, reason, headers, body,"
                " timing, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    request.service,
                    answer.at,
                    _text(request),
                    answer.status,
                    answer.reason,
                    json.dumps(answer.headers),
                    answer.body[:KEPT_BODY],
                    json.dumps(timing),
                    answer.request_id,
                ),
            )
            db.execute(
                "DELETE FROM exchanges WHERE service = ?1 AND id <= (SELECT id FROM exchanges"
                " WHERE service = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                (request.service, KEPT),
            )

    def recent(self, service: str, limit: int = 50) -> tuple[Exchange, ...]:
        """Exchanges with a service, newest first."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM exchanges WHERE service = ? ORDER BY id DESC LIMIT ?",
                (service, limit),
            ).fetchall()
        return tuple(_exchange(row) for row in rows)

    def save(self, name: str, request: Request) -> None:
        """Keep a request under a name, replacing one of that name."""
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO saved_requests VALUES (?, ?, ?)",
                (request.service, name, _text(request)),
            )

    def saved(self, service: str) -> tuple[tuple[str, Request], ...]:
        """Saved requests of a service as (name, request), by name."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT name, request FROM saved_requests WHERE service = ? ORDER BY name",
                (service,),
            ).fetchall()
        return tuple((row["name"], _request(service, row["request"])) for row in rows)


def _text(request: Request) -> str:
    headers = {k: v for k, v in request.headers.items() if k.lower() not in SECRET_HEADERS}
    return json.dumps(
        {
            "url": request.url,
            "body": request.body,
            "method": request.method,
            "headers": headers,
            "timeout": request.timeout,
        }
    )


def _request(service: str, text: str) -> Request:
    return Request(service=service, **json.loads(text))


def _exchange(row: Row) -> Exchange:
    answer = Answer(
        status=row["status"],
        reason=row["reason"],
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
        body=row["body"],
        timing=Timing(**json.loads(row["timing"])),
        request_id=row["request_id"],
        at=row["at"],
    )
    return Exchange(_request(row["service"], row["request"]), answer)
