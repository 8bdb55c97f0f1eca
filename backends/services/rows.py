"""Rows of the services room's tables, to records and back."""

import json
from sqlite3 import Row

from msgspec import to_builtins

from backends.configs.deployment import parse_deployment
from backends.configs.inference import parse_inference
from backends.configs.records import DeploymentConfig, InferenceConfig
from backends.services.records import Revision, Service, Transition
from backends.targets.records import Evidence, ServiceState
from backends.targets.specs import spec_from_json

SCHEMA = (
    """
    CREATE TABLE services (
        name TEXT PRIMARY KEY,
        target TEXT NOT NULL,
        compute_type TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        spec TEXT NOT NULL,
        url TEXT,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        phase TEXT NOT NULL DEFAULT '',
        evidence TEXT NOT NULL DEFAULT '{}',
        serving INTEGER,
        rolling_out INTEGER,
        ready INTEGER NOT NULL DEFAULT 0,
        wanted INTEGER NOT NULL DEFAULT 1,
        seen REAL NOT NULL,
        reachable INTEGER NOT NULL DEFAULT 1,
        applied INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE revisions (
        service TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        created REAL NOT NULL,
        actor TEXT NOT NULL,
        spec TEXT NOT NULL,
        inference TEXT,
        deployment TEXT,
        note TEXT NOT NULL,
        PRIMARY KEY (service, number)
    );
    CREATE TABLE transitions (
        id INTEGER PRIMARY KEY,
        service TEXT NOT NULL,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        revision INTEGER,
        actor TEXT NOT NULL,
        phase TEXT NOT NULL,
        evidence TEXT NOT NULL
    );
    CREATE INDEX transitions_of_service ON transitions (service, id);
    CREATE TABLE stages (
        id INTEGER PRIMARY KEY,
        service TEXT NOT NULL,
        revision INTEGER NOT NULL,
        stage TEXT NOT NULL,
        started REAL NOT NULL,
        seconds REAL NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE INDEX stages_of_service ON stages (service, id);
    CREATE INDEX stages_of_kind ON stages (stage, id);
    """,
)


def evidence_text(evidence: Evidence) -> str:
    """Evidence as stored."""
    return json.dumps(to_builtins(evidence))


def evidence(text: str) -> Evidence:
    """Evidence from its stored text."""
    data = json.loads(text)
    for name in ("last_lines", "model_tree"):
        data[name] = tuple(data.get(name, ()))
    return Evidence(**data)


def service(row: Row) -> Service:
    """A row of `services`."""
    return Service(
        name=row["name"],
        target=row["target"],
        compute_type=row["compute_type"],
        created=row["created"],
        updated=row["updated"],
        state=ServiceState(row["state"]),
        reason=row["reason"],
        seen=row["seen"],
        reachable=bool(row["reachable"]),
        url=row["url"],
        spec=spec_from_json(json.loads(row["spec"])),
        serving=row["serving"],
        rolling_out=row["rolling_out"],
        ready=row["ready"],
        wanted=row["wanted"],
        evidence=evidence(row["evidence"]),
        phase=row["phase"],
    )


def revision(row: Row) -> Revision:
    """A row of `revisions`."""
    return Revision(
        number=row["number"],
        created=row["created"],
        actor=row["actor"],
        spec=spec_from_json(json.loads(row["spec"])),
        inference=_inference(row["inference"]),
        deployment=_deployment(row["deployment"]),
        note=row["note"],
    )


def _inference(text: str | None) -> InferenceConfig | None:
    return parse_inference(text, "stored inference config").config if text else None


def _deployment(text: str | None) -> DeploymentConfig | None:
    return parse_deployment(text, "stored deployment config").config if text else None


def transition(row: Row) -> Transition:
    """A row of `transitions`."""
    return Transition(
        service=row["service"],
        at=row["at"],
        kind=row["kind"],
        state=ServiceState(row["state"]),
        reason=row["reason"],
        revision=row["revision"],
        actor=row["actor"],
        evidence=evidence(row["evidence"]),
        phase=row["phase"],
    )
