"""What is stored of services: last observation, revisions, transitions, stage timings."""

import json
import time
from sqlite3 import Connection

from msgspec.structs import replace

from backends.configs.deployment import emit_deployment
from backends.configs.inference import emit_inference
from backends.database import Database
from backends.errors import NotFound
from backends.services import rows
from backends.services.records import (
    Revision,
    Service,
    Stage,
    StageTiming,
    Transition,
)
from backends.targets.records import Evidence, ServiceSpec, ServiceState, Status
from backends.targets.specs import spec_to_json

USUAL_OF = 9
"""So many earlier runs say what is usual."""


class Store:
    """The tables of the services room; blocking, each call a short transaction."""

    def __init__(self, database: Database) -> None:
        database.migrate("services", rows.SCHEMA)
        self._database = database

    def services(self) -> tuple[Service, ...]:
        """All services as last seen, by name."""
        with self._database.read() as db:
            found = db.execute("SELECT * FROM services ORDER BY name").fetchall()
        return tuple(rows.service(row) for row in found)

    def service(self, name: str) -> Service:
        """One service as last seen.

        Raises:
            NotFound: the workspace has no such service.
        """
        found = self.find(name)
        if found is None:
            known = ", ".join(service.name for service in self.services()) or "none"
            raise NotFound(
                f"There is no service '{name}' in this workspace (services: {known}).",
                fix="`pilothouse service list` shows them; -w names another workspace.",
            )
        return found

    def find(self, name: str) -> Service | None:
        """One service as last seen, or None."""
        with self._database.read() as db:
            row = db.execute("SELECT * FROM services WHERE name = ?", (name,)).fetchone()
        return rows.service(row) if row else None

    def applied(self, name: str) -> bool:
        """Whether any revision of the service ever reached its target."""
        with self._database.read() as db:
            row = db.execute("SELECT applied FROM services WHERE name = ?", (name,)).fetchone()
        return bool(row and row[0])

    def mark_applied(self, spec: ServiceSpec, compute_type: str) -> None:
        """A revision has reached the target: the service's spec is this one now."""
        with self._database.write() as db:
            db.execute(
                "UPDATE services SET applied = 1, url = CASE WHEN target = ?1 THEN url END,"
                " target = ?1, compute_type = ?2, updated = ?3, spec = ?4, wanted = ?5"
                " WHERE name = ?6",
                (
                    spec.target,
                    compute_type,
                    time.time(),
                    json.dumps(spec_to_json(spec)),
                    spec.replicas,
                    spec.name,
                ),
            )

    def answered(self, service: Service) -> frozenset[int]:
        """Numbers of the revisions that were ever Healthy."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT DISTINCT revision FROM transitions"
                " WHERE service = ? AND kind = 'state' AND state = ? AND at >= ?",
                (service.name, ServiceState.HEALTHY, service.created),
            ).fetchall()
        return frozenset(row[0] for row in found)

    def put_revision(self, revision: Revision, compute_type: str) -> None:
        """Store a revision, and its service when it is new.

        The spec of a service that has reached its target stays what was applied there: see
        `mark_applied`.
        """
        spec = revision.spec
        text = json.dumps(spec_to_json(spec))
        with self._database.write() as db:
            db.execute(
                "INSERT INTO services (name, target, compute_type, created, updated, spec, state,"
                " reason, seen, wanted) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, '', ?4, ?7)"
                " ON CONFLICT (name) DO UPDATE SET target = ?2, compute_type = ?3, updated = ?4,"
                " spec = ?5, wanted = ?7 WHERE applied = 0",
                (
                    spec.name,
                    spec.target,
                    compute_type,
                    revision.created,
                    text,
                    ServiceState.TRANSITIONING,
                    spec.replicas,
                ),
            )
            db.execute(
                "INSERT OR REPLACE INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    spec.name,
                    revision.number,
                    revision.created,
                    revision.actor,
                    text,
                    emit_inference(revision.inference) if revision.inference else None,
                    emit_deployment(revision.deployment) if revision.deployment else None,
                    revision.note,
                ),
            )

    def adopt(self, spec: ServiceSpec, compute_type: str) -> None:
        """Take in a service that its target holds and this workspace did not know."""
        self.put_revision(
            Revision(
                number=spec.revision,
                created=time.time(),
                actor="",
                spec=spec,
                inference=None,
                deployment=None,
                note="found on its target",
            ),
            compute_type,
        )
        self.mark_applied(spec, compute_type)

    def observe(self, status: Status, url: str | None = None) -> Transition | None:
        """Store an observation; the transition when it differs from the last one stored."""
        with self._database.write() as db:
            row = db.execute("SELECT * FROM services WHERE name = ?", (status.service,)).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE services SET state = ?, reason = ?, phase = ?, evidence = ?, serving = ?,"
                " rolling_out = ?, ready = ?, wanted = ?, seen = ?, reachable = 1,"
                " url = COALESCE(?, url) WHERE name = ?",
                (
                    status.state,
                    status.reason,
                    status.phase,
                    rows.evidence_text(status.evidence),
                    status.serving,
                    status.rolling_out,
                    status.ready,
                    status.wanted,
                    status.at,
                    url,
                    status.service,
                ),
            )
            transition = _transition_of(status)
            return transition if _add_if_new(db, transition) else None

    def restore(self, service: Service) -> None:
        """Put back the state that a service had: what was tried meanwhile did not last."""
        status = Status(
            service=service.name,
            state=service.state,
            reason=service.reason,
            at=time.time(),
            serving=service.serving,
            ready=service.ready,
            wanted=service.wanted,
        )
        self.observe(status, service.url)

    def unreachable(self, name: str) -> None:
        """The target does not answer: the state stays as last seen, and says so."""
        with self._database.write() as db:
            db.execute("UPDATE services SET reachable = 0 WHERE name = ?", (name,))

    def record(self, transition: Transition) -> None:
        """Store something done to a service."""
        with self._database.write() as db:
            _add(db, transition)

    def forget(self, name: str) -> None:
        """Remove a service and its revisions; its transitions stay in the activity."""
        with self._database.write() as db:
            db.execute("DELETE FROM services WHERE name = ?", (name,))
            db.execute("DELETE FROM stages WHERE service = ?", (name,))

    def revisions(self, name: str) -> tuple[Revision, ...]:
        """Revisions, newest first."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT * FROM revisions WHERE service = ? ORDER BY number DESC", (name,)
            ).fetchall()
        return tuple(rows.revision(row) for row in found)

    def transitions(self, service: str = "", limit: int = 500) -> tuple[Transition, ...]:
        """Transitions of one service, or of all, newest first."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT * FROM transitions WHERE ?1 IN ('', service) ORDER BY id DESC LIMIT ?2"
                if not service
                else "SELECT * FROM transitions WHERE service = ?1 ORDER BY id DESC LIMIT ?2",
                (service, limit),
            ).fetchall()
        return tuple(rows.transition(row) for row in found)

    def stamp(self) -> int:
        """A number that is another one after anything happened to any service."""
        with self._database.read() as db:
            return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM transitions").fetchone()[0])

    def add_stage(self, service: str, timing: StageTiming) -> None:
        """Store how long one stage took."""
        with self._database.write() as db:
            db.execute(
                "INSERT INTO stages (service, revision, stage, started, seconds, detail)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    service,
                    timing.revision,
                    timing.stage,
                    timing.started,
                    timing.seconds,
                    timing.detail,
                ),
            )

    def stages(self, service: str) -> tuple[StageTiming, ...]:
        """Stage timings of a service, newest first."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT * FROM stages WHERE service = ? ORDER BY id DESC", (service,)
            ).fetchall()
        return tuple(
            StageTiming(
                revision=row["revision"],
                stage=Stage(row["stage"]),
                started=row["started"],
                seconds=row["seconds"],
                detail=row["detail"],
            )
            for row in found
        )

    def usual(self, stage: Stage, service: str) -> float | None:
        """Median seconds of a stage's last runs for this service, else for any."""
        query = "SELECT seconds FROM stages WHERE stage = ? {} ORDER BY id DESC LIMIT ?"
        with self._database.read() as db:
            own = db.execute(query.format("AND service = ?"), (stage, service, USUAL_OF))
            seconds = [row[0] for row in own]
            if not seconds:
                seconds = [row[0] for row in db.execute(query.format(""), (stage, USUAL_OF))]
        return sorted(seconds)[len(seconds) // 2] if seconds else None


def _add(db: Connection, transition: Transition) -> None:
    db.execute(
        "INSERT INTO transitions (service, at, kind, state, reason, revision, actor, phase,"
        " evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transition.service,
            transition.at,
            transition.kind,
            transition.state,
            transition.reason,
            transition.revision,
            transition.actor,
            transition.phase,
            rows.evidence_text(transition.evidence),
        ),
    )


def _add_if_new(db: Connection, transition: Transition) -> bool:
    """Several consoles watch the same service: only the first to see a change stores it."""
    last = db.execute(
        "SELECT * FROM transitions WHERE service = ? AND kind = 'state' ORDER BY id DESC LIMIT 1",
        (transition.service,),
    ).fetchone()
    if last is not None and transition.at <= last["at"]:
        return False
    if last is not None and _same(rows.transition(last), transition):
        done = db.execute(
            "SELECT MAX(id) FROM transitions WHERE service = ?", (transition.service,)
        )
        if done.fetchone()[0] == last["id"]:
            return False
    _add(db, transition)
    return True


def _same(one: Transition, other: Transition) -> bool:
    return replace(one, at=0.0, evidence=Evidence()) == replace(other, at=0.0, evidence=Evidence())


def _transition_of(status: Status) -> Transition:
    return Transition(
        service=status.service,
        at=status.at,
        kind="state",
        state=status.state,
        reason=status.reason,
        revision=status.rolling_out or status.serving,
        evidence=status.evidence,
        phase=status.phase,
    )
