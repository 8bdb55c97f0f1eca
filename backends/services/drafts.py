"""Drafts: forms that were left unfinished, one small file each in the workspace folder."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, to_builtins

from backends import paths
from backends.configs.fields import DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS, INFERENCE_FIELDS
from backends.errors import Unavailable

SECRETS = frozenset(
    field.name
    for field in (*INFERENCE_FIELDS, *ENVIRONMENT_FIELDS, *DEPLOYMENT_FIELDS)
    if field.secret
)
"""Names of fields whose values are never written to a draft."""


class Draft(Struct, frozen=True, kw_only=True):
    """A form as it was left."""

    subject: str
    """What it is about: a model's `name:version`; empty when none was chosen."""
    step: str
    """Where the person was."""
    values: Mapping[str, str]
    """Field name to text as typed; fields that were not touched are absent."""
    saved: float
    """Seconds since the epoch."""


class Drafts:
    """The drafts of one workspace; blocking, and quick."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "drafts"

    def keep(self, draft: Draft) -> None:
        """Write a draft without its secrets; one that is there for the subject is replaced.

        Raises:
            Unavailable: the disk did not take it.
        """
        values = {name: text for name, text in draft.values.items() if name not in SECRETS}
        content = json.dumps({**to_builtins(draft), "values": values}, indent=1)
        try:
            paths.write_atomic(self._file(draft.subject), content.encode(), mode=0o600)
        except OSError as error:
            raise Unavailable(
                f"The draft of '{draft.subject}' could not be kept: {error}.",
                fix="Make room on the disk, or save the files where there is some.",
            ) from error

    def find(self, subject: str) -> Draft | None:
        """The draft of a subject; None when there is none that can be read."""
        return _read(self._file(subject))

    def list(self) -> tuple[Draft, ...]:
        """All drafts, newest first."""
        found = (_read(path) for path in self._folder.glob("*.json"))
        drafts = [draft for draft in found if draft is not None]
        return tuple(sorted(drafts, key=lambda draft: -draft.saved))

    def discard(self, subject: str) -> None:
        """Remove the draft of a subject, if there is one."""
        self._file(subject).unlink(missing_ok=True)

    def _file(self, subject: str) -> Path:
        return self._folder / f"{hashlib.sha256(subject.encode()).hexdigest()[:24]}.json"


def _read(path: Path) -> Draft | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Draft(
            subject=str(found["subject"]),
            step=str(found["step"]),
            values={str(name): str(text) for name, text in found["values"].items()},
            saved=float(found["saved"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
