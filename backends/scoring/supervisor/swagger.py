"""The service described in Swagger 2.0, OpenAPI 3.0 and 3.1, as azureml-inference-server-http."""

import json
from pathlib import Path
from typing import Any

from .job import Reply

ALIASES = {"2": "2.0", "2.0": "2.0", "3": "3.0", "3.0": "3.0", "3.1": "3.1"}
FILES = {
    "2.0": ("swagger2.json", "swagger.json"),
    "3.0": ("swagger3.json",),
    "3.1": ("swagger3.1.json",),
}
EMPTY = {"type": "object", "example": {}}
ERROR = {
    "type": "object",
    "properties": {
        "status_code": {"type": "integer", "format": "int32"},
        "message": {"type": "string"},
    },
}


def answer(
    asked: str, app_root: Path, service: str, version: str, prefix: str, schemas: dict[str, Any]
) -> Reply:
    """The document of a version: the user's own file, else a generated one."""
    number = ALIASES.get(asked)
    if number is None:
        known = ", ".join(ALIASES)
        return Reply.problem(
            404, f"Swagger version [{asked}] is not valid. Supported versions: [{known}]"
        )
    for name in FILES[number]:
        try:
            return Reply(200, (app_root / name).read_bytes())
        except OSError:
            continue
    supported = schemas.get("versions")
    if supported is not None and number not in supported:
        return Reply.problem(
            404,
            f"Swagger version [{asked}] is not supported for the scoring script. "
            f"Supported swagger versions: [{', '.join(supported)}]",
        )
    document = _document(number, service, version, prefix.rstrip("/"), schemas)
    return Reply(200, json.dumps(document).encode())


def _document(
    number: str, service: str, version: str, prefix: str, schemas: dict[str, Any]
) -> dict[str, Any]:
    definitions = {
        "ServiceInput": schemas.get("input") or EMPTY,
        "ServiceOutput": schemas.get("output") or EMPTY,
        "ErrorResponse": ERROR,
    }
    info = {
        "title": service,
        "description": f"API specification for the Azure Machine Learning service {service}",
        "version": version,
    }
    old = number == "2.0"
    paths = {
        f"{prefix}/": {"get": _health(old)},
        f"{prefix}/score": {"post": _score(old)},
        f"{prefix}/swagger.json": {"get": _swagger(old)},
    }
    if old:
        return {
            "swagger": "2.0",
            "info": info,
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "securityDefinitions": {
                "Bearer": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "For example: Bearer abc123",
                }
            },
            "paths": paths,
            "definitions": definitions,
        }
    return {
        "openapi": "3.0.3" if number == "3.0" else "3.1.0",
        "info": info,
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(old: bool, name: str, description: str) -> dict[str, Any]:
    place = "definitions" if old else "components/schemas"
    schema = {"$ref": f"#/{place}/{name}"}
    if old:
        return {"description": description, "schema": schema}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(old: bool, description: str) -> dict[str, Any]:
    if old:
        return {
            "description": description,
            "schema": {"type": "string"},
            "examples": {"application/json": "Healthy"},
        }
    return {
        "description": description,
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "Healthy"}},
    }


def _health(old: bool) -> dict[str, Any]:
    return {
        "operationId": "ServiceHealthCheck",
        "description": "Says whether the service can be used.",
        "responses": {
            "200": _text(old, "The service can be used."),
            "default": _content(old, "ErrorResponse", "The service cannot be used."),
        },
    }


def _score(old: bool) -> dict[str, Any]:
    body: dict[str, Any]
    if old:
        body = {
            "parameters": [
                {
                    "name": "serviceInputPayload",
                    "in": "body",
                    "description": "The data to score.",
                    "schema": {"$ref": "#/definitions/ServiceInput"},
                }
            ]
        }
    else:
        body = {"requestBody": _content(old, "ServiceInput", "The data to score.")}
    return {
        "operationId": "RunMLService",
        "description": "Scores the data that is sent.",
        "security": [{"Bearer": []}],
        **body,
        "responses": {
            "200": _content(old, "ServiceOutput", "The scores."),
            "default": _content(old, "ErrorResponse", "The data could not be scored."),
        },
    }


def _swagger(old: bool) -> dict[str, Any]:
    return {
        "operationId": "GetSwaggerSpec",
        "description": "Gives this document.",
        "security": [{"Bearer": []}],
        "responses": {
            "200": {"description": "This document."}
            if not old
            else {"description": "This document.", "schema": {"type": "object"}},
            "default": _content(old, "ErrorResponse", "The document could not be made."),
        },
    }
