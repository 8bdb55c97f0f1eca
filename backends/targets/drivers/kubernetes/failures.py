"""The API server's and the connection's errors in our words: one table."""

import json
import re
from collections.abc import Mapping
from typing import Any

from backends.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PilothouseError,
    Unauthorized,
    Unavailable,
    Unschedulable,
    Unsupported,
)


class Cut(Unavailable):
    """A stream ended before its end: the connection broke or was silent for too long."""


class Expired(Unavailable):
    """A watch was asked to go on from where the server no longer knows (410)."""


_STATUSES: Mapping[int, tuple[type[PilothouseError], str]] = {
    400: (InvalidInput, "Correct what was asked for."),
    401: (Unauthorized, "Log in again: the cluster does not take these credentials any more."),
    404: (NotFound, "Look at what is there with `pilothouse service list`."),
    405: (Unsupported, "Use Kubernetes 1.20 or newer."),
    409: (Conflict, "Somebody else changed it at this moment: try again."),
    410: (Expired, "It is read anew."),
    413: (InvalidInput, "Send less."),
    415: (Unsupported, "Use Kubernetes 1.20 or newer."),
    422: (InvalidInput, "Correct the deployment config."),
    429: (Unavailable, "The cluster is busy: try again in a moment."),
}
_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,]+), (?P<rest>.*)", re.DOTALL)
_VERBS = re.compile(r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"')


def refused(what: str, status: int, body: bytes, context: str) -> PilothouseError:
    """The error of an answer.

    Args:
        what: Completes "The cluster could not …".
        status: Of the answer.
        body: A `Status` object of the API, or whatever a proxy in between wrote.
        context: Name of the cluster, for people.
    """
    message = _message(body) or f"status {status}"
    said = f"The cluster {context} could not {what}: {message.rstrip('.')}."
    if status == 403:
        return _forbidden(said, message)
    if status >= 500:
        return Unavailable(said, fix="Look at the cluster's control plane, then try again.")
    error, fix = _STATUSES.get(status, (Unavailable, "Try again."))
    return error(said, fix=fix)


def _forbidden(said: str, message: str) -> PilothouseError:
    if quota := _QUOTA.search(message):
        return Unschedulable(
            said, fix=f"Ask for less, or have the quota {quota['quota']} of the namespace raised."
        )
    if missing := _VERBS.search(message):
        return Unauthorized(
            said,
            fix=f"Have the verb {missing['verb']} on {missing['resource']} granted:"
            " `pilothouse computetarget rbac` prints the Role.",
        )
    if "system:anonymous" in message:
        return Unauthorized(said, fix="The context holds no credentials: log in to the cluster.")
    return Unauthorized(said, fix="Ask whoever runs the cluster for the right to do this.")


def unreachable(what: str, error: Exception, context: str, server: str) -> PilothouseError:
    """The error of a connection that could not be made or broke."""
    text = str(error) or type(error).__name__
    fix = "Check that the cluster runs and that its address is right."
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = "its certificate is not from the authority that the kubeconfig names"
        if "ostname mismatch" in text or "IP address mismatch" in text:
            reason = "its certificate names another host"
        return Unavailable(
            f"The cluster {context} could not {what}: {reason}.",
            fix="A cluster made anew has a new authority: fetch its kubeconfig again, or set"
            " `tls-server-name` in it.",
        )
    return Unavailable(f"The cluster {context} at {server} could not {what}: {text}.", fix=fix)


def watch_error(status: Mapping[str, Any], context: str) -> PilothouseError:
    """An `ERROR` event, which arrives inside an answer of status 200."""
    body = json.dumps(status).encode()
    return refused("go on watching", int(status.get("code") or 500), body, context)


def _message(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return text.splitlines()[0][:300] if text else ""
    return str(found.get("message") or "") if isinstance(found, dict) else text[:300]
