"""`/openapi.json`: everything that this server answers, in OpenAPI 3.1; the user's own file wins.

`/swagger.json` is azureml-inference-server-http's smaller document.
"""

import json
from pathlib import Path
from typing import Any

from . import swagger
from .job import Reply

FILES = ("openapi.json", *swagger.FILES["3.1"])
KEYS: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]
ERRORS = {
    "400": "The body cannot be read as what the model takes.",
    "401": "No valid key is given.",
    "413": "The body is too large.",
    "415": "The content type is not what the model takes.",
    "431": "A request id is longer than 100 characters.",
    "500": "The script failed, or its result cannot be written.",
    "502": "The worker that ran the request ended.",
    "503": "The service is not ready, or every worker is busy; Retry-After says when to try again.",
    "504": "The script did not answer in time.",
}


def answer(
    app_root: Path, about: swagger.About, description: dict[str, Any], *, keyed: bool
) -> Reply:
    """The document: the user's `openapi.json` or `swagger3.1.json`, else a generated one.

    Args:
        app_root: Where the user's file lies.
        about: What it says of the service.
        description: What the worker said of the model: schemas, mode, tensors.
        keyed: Requests need a key.
    """
    own = swagger.users_file(app_root, FILES)
    if own is not None:
        return own
    paths = {**_health(), **_documents(), "/score": _score(description), **_open_inference()}
    components: dict[str, Any] = {
        "schemas": {
            "ServiceInput": _examples(description.get("input") or {}),
            "ServiceOutput": _examples(description.get("output") or {}),
            "ErrorResponse": {**swagger.ERROR, "required": ["message"]},
            **_tensor_schemas(),
        }
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version},
        "paths": {about.prefix + path: item for path, item in paths.items()},
        "components": components,
    }
    if keyed:
        document["security"] = KEYS
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return Reply(200, json.dumps(document).encode())


def _examples(schema: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema 2020-12 has `examples`, a list."""
    found = {key: value for key, value in schema.items() if key != "example"}
    return {**found, "examples": [schema["example"]]} if "example" in schema else found


def _reference(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _failures(*codes: str, name: str = "ErrorResponse") -> dict[str, Any]:
    return {code: {"description": ERRORS[code], "content": _reference(name)} for code in codes}


def _score(description: dict[str, Any]) -> dict[str, Any]:
    found = _reference("ServiceInput")
    if description.get("mode") in ("text", "raw"):
        found["*/*"] = {"schema": {}}
    responses = {
        "200": {"description": "What run() returned.", "content": _reference("ServiceOutput")},
        **_failures(*ERRORS),
    }
    return {
        "post": {
            "operationId": "score",
            "summary": "Run the model on a body.",
            "requestBody": {"required": True, "content": found},
            "responses": responses,
        },
        "get": {
            "operationId": "scoreQuery",
            "summary": "Run the model on the values of the query.",
            "responses": responses,
        },
    }


def _health() -> dict[str, Any]:
    return {
        "/": _get("health", "Healthy when requests are welcome.", "text/plain"),
        "/livez": _get("live", "The service need not be started again."),
        "/readyz": _get("ready", "Requests are welcome."),
        "/healthz": _get("started", "The model has been loaded."),
        "/metrics": _get("metrics", "Figures in Prometheus' text format.", "text/plain"),
        "/v2/health/live": _get("v2Live", "The server lives."),
        "/v2/health/ready": _get("v2Ready", "The server takes requests."),
    }


def _documents() -> dict[str, Any]:
    version = {"name": "version", "in": "query", "schema": {"enum": list(swagger.ALIASES)}}
    described = _get("swagger", "Swagger 2.0, OpenAPI 3.0 or 3.1.", open_to_all=False)
    described["get"]["parameters"] = [version]
    return {
        "/swagger.json": described,
        "/openapi.json": _get("openapi", "This document.", open_to_all=False),
    }


def _get(
    name: str, summary: str, media: str = "application/json", *, open_to_all: bool = True
) -> dict[str, Any]:
    schema = {"type": "string"} if media == "text/plain" else {"type": "object"}
    responses = {
        "200": {"description": summary, "content": {media: {"schema": schema}}},
        "503": {"description": "It does not hold now."},
    }
    found: dict[str, Any] = {"operationId": name, "summary": summary, "responses": responses}
    if open_to_all:
        found["security"] = []
    return {"get": found}


def _open_inference() -> dict[str, Any]:
    """The Open Inference Protocol's paths; `/versions/{version}` may follow every model."""
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
    infer = {
        "operationId": "v2Infer",
        "summary": "Run the model on tensors.",
        "requestBody": {"required": True, "content": _reference("InferRequest")},
        "responses": {
            "200": {"description": "The outputs.", "content": _reference("InferResponse")},
            **_failures(*ERRORS, name="V2Error"),
        },
    }
    metadata = _get("v2Model", "The model's inputs and outputs.", open_to_all=False)
    return {
        "/v2": _get("v2Server", "Name, version and extensions of the server.", open_to_all=False),
        "/v2/models/{model}": {**metadata, "parameters": [name]},
        "/v2/models/{model}/ready": {
            **_get("v2ModelReady", "The model takes requests."),
            "parameters": [name],
        },
        "/v2/models/{model}/infer": {"post": infer, "parameters": [name]},
    }


def _tensor_schemas() -> dict[str, Any]:
    text = {"type": "string"}
    free = {"type": "object"}
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": text,
            "datatype": text,
            "shape": {"type": "array", "items": {"type": "integer"}},
            "parameters": free,
            "data": {"type": "array"},
        },
    }
    many = {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}}
    asked = {"type": "array", "items": {"type": "object", "required": ["name"]}}
    return {
        "Tensor": tensor,
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {"id": text, "parameters": free, "inputs": many, "outputs": asked},
        },
        "InferResponse": {
            "type": "object",
            "required": ["model_name", "outputs"],
            "properties": {
                "model_name": text,
                "model_version": text,
                "id": text,
                "parameters": free,
                "outputs": many,
            },
        },
        "V2Error": {"type": "object", "required": ["error"], "properties": {"error": text}},
    }
