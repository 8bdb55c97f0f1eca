"""Open Inference Protocol v2 for one service: its paths, metadata, readiness and error objects.

Source: https://github.com/open-inference/open-inference-protocol (REST). Tensors are taken apart by
the worker.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from backends.scoring import VERSION
from backends.scoring.launch import Launch

from . import status as states
from .job import Reply
from .service import Service

ROOT = "/v2"
EXTENSIONS = ["binary_tensor_data"]
SIZE_HEADER = b"inference-header-content-length"
READING = ("GET", "HEAD", "OPTIONS")
METHODS = {
    "": READING,
    "live": READING,
    "ready": READING,
    "model": READING,
    "infer": ("POST", "OPTIONS"),
}


def owns(path: str) -> bool:
    """The path is the protocol's to answer, if only with an error."""
    return path == ROOT or path.startswith(ROOT + "/")


def keyed(path: str) -> bool:
    """A key is needed: for all but the health of the server and of the model."""
    found = place(path)
    return owns(path) and (found is None or found.kind not in ("live", "ready"))


def infers(path: str) -> bool:
    """The path of an inference request, not only one about the model."""
    found = place(path)
    return owns(path) and found is not None and found.kind == "infer"


@dataclass(frozen=True, slots=True)
class Place:
    """What a path below `/v2` names."""

    kind: str
    """Empty (the server), `live`, `ready`, `model` or `infer`."""
    model: str | None = None
    version: str | None = None


def place(path: str) -> Place | None:
    """Take a path apart; None when it is none of the protocol's."""
    parts = path.split("/")[2:]
    if parts in ([], ["health", "live"], ["health", "ready"]):
        return Place(parts[1] if parts else "")
    if len(parts) < 2 or parts[0] != "models" or not parts[1]:
        return None
    version = None
    rest = parts[2:]
    if rest[:1] == ["versions"] and len(rest) > 1:
        version, rest = rest[1], rest[2:]
    if rest not in ([], ["ready"], ["infer"]):
        return None
    return Place(rest[0] if rest else "model", parts[1], version)


def refusal(path: str, method: str, headers: dict[bytes, bytes], launch: Launch) -> Reply | None:
    """404, 405 or 415, when path, model, method or encoding of the body is not offered."""
    found = place(path)
    if found is None:
        return problem(404, f"there is nothing at {path}")
    if method not in METHODS[found.kind]:
        return problem(405, f"{method} is not allowed for {path}")
    encoding = headers.get(b"content-encoding", b"").decode("latin-1")
    if encoding.lower() not in ("", "identity"):
        return problem(415, f"the content encoding {encoding} is not taken: send the body as it is")
    return None if found.model is None else _unknown(found, launch)


def page(path: str, service: Service) -> Reply:
    """The answer to everything but an inference request."""
    found = place(path)
    assert found is not None
    if found.kind == "live":
        return _truth("live", service.status.state != states.FAILED)
    if found.kind == "ready":
        name = {} if found.model is None else {"name": _names(service.launch)[0]}
        return _truth("ready", service.ready, **name)
    if found.kind == "":
        return _json(200, {"name": "pilothouse", "version": VERSION, "extensions": EXTENSIONS})
    return _metadata(service)


def target(headers: dict[bytes, bytes], launch: Launch) -> str:
    """What the worker is told: the model's own name and version, and the size of the JSON part."""
    name, version = _names(launch)
    size = headers.get(SIZE_HEADER, b"").decode("latin-1")
    return f"{ROOT}/models/{quote(name, '')}/versions/{quote(version, '')}/infer?{size}"


def problem(status: int, message: str) -> Reply:
    """An error as the protocol has it."""
    return _json(status, {"error": message})


def worded(reply: Reply) -> Reply:
    """An answer of any kind; an error gets the protocol's form, all else stays as it is."""
    if reply.status < 400 or reply.parts is not None:
        return reply
    try:
        fields = json.loads(reply.body)
    except ValueError:
        fields = {}
    if not isinstance(fields, dict) or "error" in fields:
        fields = {}
    message = fields.get("message", fields.get("error_message"))
    if message is None:
        message = reply.body.decode("utf-8", "replace")
    reply.body = json.dumps({"error": str(message)}).encode()
    kept = [pair for pair in reply.headers if pair[0].lower() != "content-type"]
    reply.headers = [["content-type", "application/json"], *kept]
    return reply


def _names(launch: Launch) -> tuple[str, str]:
    """The one model's name and version; those of the service when it has none or several."""
    if len(launch.models) == 1:
        model = launch.models[0]
        return str(model.get("name", "")), str(model.get("version", ""))
    return launch.service, str(launch.revision)


def _unknown(found: Place, launch: Launch) -> Reply | None:
    name, version = _names(launch)
    if found.model not in (name, launch.service):
        return problem(404, f"there is no model {found.model}; this service serves {name}")
    if found.version not in (None, version):
        return problem(404, f"model {name} has version {version}, not {found.version}")
    return None


def _metadata(service: Service) -> Reply:
    pool = service.current
    if not pool.was_ready:
        return problem(503, f"the model is not ready: {service.status.reason}")
    name, version = _names(service.launch)
    tensors: dict[str, Any] = pool.description["tensors"]
    shown = {key: tensors[key] for key in ("platform", "inputs", "outputs")}
    return _json(200, {"name": name, "versions": [version], **shown})


def _truth(what: str, holds: bool, **more: str) -> Reply:
    return _json(200 if holds else 503, {**more, what: holds})


def _json(status: int, fields: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(fields).encode())
