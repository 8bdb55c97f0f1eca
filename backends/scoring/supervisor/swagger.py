"""The service described in Swagger 2.0, OpenAPI 3.0 and 3.1, as azureml-inference-server-http."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .job import Reply

ALIASES = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
FILES = {
    "2": ("swagger.json", "swagger2.json"),
    "3": ("swagger3.json",),
    "3.1": ("swagger3.1.json",),
}
"""The user's own documents in the app root; the first that is there and not empty wins."""
EMPTY = {"type": "object", "example": {}}
ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
SECURITY: list[dict[str, list[str]]] = [{"Bearer": []}]
BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
VERSION = {"name": "version", "in": "query", "required": False}
NUMBER = {"type": "integer", "enum": [2, 3]}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a document says of the service besides its schemas."""

    title: str
    version: str
    """The service's own."""
    prefix: str
    """What every path begins with, without a slash at its end; empty for none."""


def answer(asked: str, app_root: Path, about: About, schemas: dict[str, Any]) -> Reply:
    """The document of a version: the user's own file, else a generated one."""
    number = ALIASES.get(asked)
    if number is None:
        known = ", ".join(supported(app_root, schemas))
        return Reply.problem(
            404, f"Swagger version [{asked}] is not valid. Supported versions: [{known}]."
        )
    own = users_file(app_root, FILES[number])
    if own is not None:
        return own
    known = ", ".join(supported(app_root, schemas))
    if number not in supported(app_root, schemas):
        return Reply.problem(
            404,
            f"Swagger version [{asked}] is not supported for the scoring script. "
            f"Supported swagger versions: [{known}].",
        )
    document = _document(number, about, schemas)
    return Reply(200, json.dumps(document).encode())


def supported(app_root: Path, schemas: dict[str, Any]) -> list[str]:
    """The versions that there is a document of: a file, or what `run()`'s schemas allow."""
    allowed = schemas.get("versions")
    return [
        number
        for number, names in FILES.items()
        if allowed is None
        or any(ALIASES.get(version) == number for version in allowed)
        or users_file(app_root, names) is not None
    ]


def users_file(app_root: Path, names: tuple[str, ...]) -> Reply | None:
    """The first of these files as it is; an error when it is no JSON."""
    for name in names:
        try:
            data = (app_root / name).read_bytes()
        except OSError:
            continue
        try:
            if json.loads(data):
                return Reply(200, data)
        except ValueError as error:
            return Reply.problem(500, f"{name} of the app root is no JSON: {error}")
    return None


def _document(number: str, about: About, schemas: dict[str, Any]) -> dict[str, Any]:
    definitions = {
        "ServiceInput": schemas.get("input") or EMPTY,
        "ServiceOutput": schemas.get("output") or EMPTY,
        "ErrorResponse": ERROR,
    }
    info = {
        "title": about.title,
        "description": f"API specification for the Azure Machine Learning service {about.title}",
        "version": about.version,
    }
    old = number == "2"
    paths = {
        f"{about.prefix}/": {"get": _health(old)},
        f"{about.prefix}/score": {"post": _score(old)},
        f"{about.prefix}/swagger.json": {"get": _swagger(old)},
    }
    if old:
        return {
            "swagger": "2.0",
            "info": info,
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "securityDefinitions": {"Bearer": BEARER},
            "paths": paths,
            "definitions": definitions,
        }
    return {
        "openapi": "3.0.3" if number == "3" else "3.1.0",
        "info": info,
        "security": SECURITY,
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": {"Bearer": BEARER}},
    }


def _content(old: bool, name: str, description: str) -> dict[str, Any]:
    place = "definitions" if old else "components/schemas"
    schema = {"$ref": f"#/{place}/{name}"}
    if old:
        return {"description": description, "schema": schema}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(old: bool, description: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "string", **more}
    if old:
        return {"description": description, "schema": schema}
    return {"description": description, "content": {"text/plain": {"schema": schema}}}


def _health(old: bool) -> dict[str, Any]:
    description = "The service can be used."
    if old:
        found = {**_text(old, description), "examples": {"application/json": "Healthy"}}
    else:
        found = _text(old, description, example="Healthy")
    return {
        "operationId": "ServiceHealthCheck",
        "description": "Says whether the service can be used.",
        "responses": {
            "200": found,
            "default": _content(old, "ErrorResponse", "The service cannot be used."),
        },
    }


def _score(old: bool) -> dict[str, Any]:
    description = "The data to score."
    if old:
        schema = {"$ref": "#/definitions/ServiceInput"}
        parameter = {"name": "serviceInputPayload", "in": "body", "description": description}
        body: dict[str, Any] = {"parameters": [{**parameter, "schema": schema}]}
    else:
        body = {"requestBody": _content(old, "ServiceInput", description)}
    return {
        "operationId": "RunMLService",
        "description": "Scores the data that is sent.",
        "security": SECURITY,
        **body,
        "responses": {
            "200": _content(old, "ServiceOutput", "The scores."),
            "default": _content(old, "ErrorResponse", "The data could not be scored."),
        },
    }


def _swagger(old: bool) -> dict[str, Any]:
    parameter = {**VERSION, **NUMBER} if old else {**VERSION, "schema": NUMBER}
    return {
        "operationId": "GetSwaggerSpec",
        "description": "Gives this document.",
        "parameters": [parameter],
        "responses": {
            "200": _text(old, "This document."),
            "default": _content(old, "ErrorResponse", "The document could not be made."),
        },
    }
