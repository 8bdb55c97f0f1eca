"""The one error tree: what happened, to which thing, why, and what to do.

PilothouseError
├── InvalidInput       a value, name, file or flag is wrong
├── NotFound           the named thing does not exist
├── Conflict           it exists already, or another operation holds it
├── Refused            the rules forbid it (in use, read-only, unsafe)
├── Unsupported        this target cannot do that
├── Unavailable        the target could not be reached; trying again may help
├── Unauthorized       the target refused these credentials or rights
├── Unschedulable      the target has no room for what was asked
├── BuildFailed        an environment or image could not be made
├── ServiceFailed      the service ended in a state other than Healthy
├── WaitTimeout        a deadline passed; what was awaited goes on
├── IntegrityError     stored bytes are not what was stored
└── ScoringFailed      no answer at all came to a request
"""


class PilothouseError(Exception):
    """Base of every error that a person is meant to read.

    Args:
        what: One sentence: what happened, to which thing, and why.
        fix: One sentence: what to do about it; empty only when nothing can be done.
        detail: Evidence of any length (a traceback, last log lines); may be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.detail = detail


class InvalidInput(PilothouseError):
    """A value, name, file or flag is wrong."""

    exit_code = 2


class NotFound(PilothouseError):
    """The named thing does not exist."""


class Conflict(PilothouseError):
    """It exists already, or another operation holds it."""


class Refused(PilothouseError):
    """The rules forbid it: in use, read-only, unsafe."""


class Unsupported(PilothouseError):
    """This target cannot do that."""


class Unavailable(PilothouseError):
    """The target could not be reached; trying again may help."""

    exit_code = 3


class Unauthorized(PilothouseError):
    """The target refused these credentials or rights."""


class Unschedulable(PilothouseError):
    """The target has no room for what was asked."""


class BuildFailed(PilothouseError):
    """An environment or image could not be made; `detail` holds the end of its output."""


class ServiceFailed(PilothouseError):
    """The service ended in a state other than Healthy; `detail` holds the evidence."""


class WaitTimeout(PilothouseError):
    """A deadline passed; what was awaited goes on."""

    exit_code = 124


class IntegrityError(PilothouseError):
    """Stored bytes are not what was stored."""


class ScoringFailed(PilothouseError):
    """No answer at all came to a request (an answer of any status is a result, not an error)."""

    exit_code = 3
