"""The documents that describe a service: generated in each version, or the user's own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
SCHEMA = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema('data', NumpyParameterType(np.array([10, 9, 8])))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data): return data
"""
MIXED = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema('data', StandardPythonParameterType([1, 'a']))
def run(data): return data
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("swagger")
    variables = {"SERVICE_VERSION": "1.5", "SERVICE_NAME": "net"}
    server = Server(folder, SCHEMA, variables=variables).start()
    server.wait("Healthy")
    yield server
    server.close()


def document(server: Server, version: str) -> Any:
    return server.get("/swagger.json", params={"version": version}).json()


def test_version_two_is_the_default(server: Server) -> None:
    found = server.get("/swagger.json").json()
    assert found == document(server, "2") == document(server, "2.0")
    assert found["swagger"] == "2.0"
    assert found["info"]["title"] == "net"
    assert found["info"]["version"] == "1.5"
    assert found["schemes"] == ["https"]
    assert found["consumes"] == found["produces"] == ["application/json"]
    assert found["securityDefinitions"]["Bearer"]["name"] == "Authorization"
    names = {
        path: next(iter(item.values()))["operationId"] for path, item in found["paths"].items()
    }
    assert names == {
        "/": "ServiceHealthCheck",
        "/score": "RunMLService",
        "/swagger.json": "GetSwaggerSpec",
    }
    (parameter,) = found["paths"]["/score"]["post"]["parameters"]
    assert parameter["name"] == "serviceInputPayload"
    assert found["definitions"]["ServiceInput"] == {
        "type": "object",
        "properties": {
            "data": {
                "type": "array",
                "items": {"type": "integer", "format": "int64"},
                "format": "numpy.ndarray",
            }
        },
        "example": {"data": [10, 9, 8]},
    }
    assert found["definitions"]["ServiceOutput"]["example"] == [3726.995]
    assert found["definitions"]["ErrorResponse"]["properties"] == {"message": {"type": "string"}}


def test_later_versions_hold_the_same_schemas(server: Server) -> None:
    old = document(server, "2")["definitions"]
    for asked, said in (("3", "3.0.3"), ("3.0", "3.0.3"), ("3.1", "3.1.0")):
        found = document(server, asked)
        assert found["openapi"] == said
        assert found["components"]["schemas"] == old
        assert found["components"]["securitySchemes"]["Bearer"]["type"] == "apiKey"
        body = found["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"] == {"$ref": "#/components/schemas/ServiceInput"}


@pytest.mark.parametrize("asked", ["1", "4", "", "two", "2.1", "3.0.3"])
def test_other_versions_are_404_with_the_old_text(server: Server, asked: str) -> None:
    answer = server.get("/swagger.json", params={"version": asked})
    assert answer.status_code == 404
    assert answer.json() == {
        "message": f"Swagger version [{asked}] is not valid. Supported versions: [2, 3, 3.1]."
    }


def test_a_schema_that_a_version_cannot_hold_has_no_document_there(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(MIXED)
    answer = server.get("/swagger.json?version=2.0")
    assert answer.status_code == 404
    assert answer.json()["message"] == (
        "Swagger version [2.0] is not supported for the scoring script. "
        "Supported swagger versions: [3, 3.1]."
    )
    assert server.get("/swagger.json?version=3").status_code == 200
    (tmp_path / "0/app/swagger.json").write_text('{"swagger": "own"}', encoding="utf-8")
    assert server.get("/swagger.json").json() == {"swagger": "own"}
    assert "[2, 3, 3.1]" in server.get("/swagger.json?version=9").json()["message"]


def test_the_users_files_are_served_as_they_are(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "0/app"
    root.mkdir(parents=True)
    for name in ("swagger2.json", "swagger3.json", "swagger3.1.json"):
        (root / name).write_text(f' {{"own": "{name}"}}\n', encoding="utf-8")
    server = serve()
    for asked in ("2", "2.0"):
        assert server.get(f"/swagger.json?version={asked}").text == ' {"own": "swagger2.json"}\n'
    for asked in ("3", "3.0"):
        assert document(server, asked) == {"own": "swagger3.json"}
    assert document(server, "3.1") == {"own": "swagger3.1.json"}
    assert server.get("/openapi.json").json() == {"own": "swagger3.1.json"}
    (root / "swagger.json").write_text('{"own": "swagger.json"}', encoding="utf-8")
    (root / "openapi.json").write_text('{"own": "openapi.json"}', encoding="utf-8")
    assert server.get("/swagger.json").json() == {"own": "swagger.json"}
    assert server.get("/openapi.json").json() == {"own": "openapi.json"}
    (root / "swagger.json").write_text("{}", encoding="utf-8")
    assert server.get("/swagger.json").json() == {"own": "swagger2.json"}
    (root / "swagger.json").write_text("{", encoding="utf-8")
    broken = server.get("/swagger.json")
    assert broken.status_code == 500
    assert "swagger.json of the app root is no JSON" in broken.json()["message"]


def test_a_script_without_a_schema_is_described_as_objects(serve: Serve) -> None:
    server = serve(variables={"SERVICE_PATH_PREFIX": "api/v1/service/net/"})
    found = server.get("/swagger.json").json()
    empty = {"type": "object", "example": {}}
    assert found["definitions"]["ServiceInput"] == found["definitions"]["ServiceOutput"] == empty
    assert list(found["paths"]) == [
        "/api/v1/service/net/",
        "/api/v1/service/net/score",
        "/api/v1/service/net/swagger.json",
    ]
    for prefix in ("/api/v1/service/net", "/api/v1/service/svc"):
        assert server.get(f"{prefix}/").text == "Healthy"
        assert server.get(f"{prefix}/score?a=1").json() == {"a": 1}
        assert server.get(f"{prefix}/swagger.json").json() == found
    assert server.get("/api/v1/service/other/score").status_code == 404
    assert (
        "/api/v1/service/net/v2/models/{model}/infer" in server.get("/openapi.json").json()["paths"]
    )


def test_openapi_describes_everything_with_schemas_that_are_there(server: Server) -> None:
    found = server.get("/openapi.json").json()
    assert found["openapi"] == "3.1.0"
    schemas = found["components"]["schemas"]
    references = [
        text.partition('"')[0]
        for text in json.dumps(found).split('"$ref": "#/components/schemas/')[1:]
    ]
    assert set(references) <= set(schemas)
    assert schemas["ServiceInput"]["examples"] == [{"data": [10, 9, 8]}]
    assert "security" not in found
    for path, item in found["paths"].items():
        if "get" in item and "{" not in path:
            assert server.get(path).status_code in (200, 400), path
    names = [
        operation["operationId"]
        for item in found["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    ]
    assert len(names) == len(set(names))


def test_documents_need_a_key_where_requests_do(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"primary": "k"}', encoding="utf-8")
    server = serve(auth=True, keys_file=str(keys))
    for path in ("/swagger.json", "/openapi.json"):
        assert server.get(path).status_code == 401
        assert server.get(path, headers={"authorization": "Bearer k"}).status_code == 200
    found = server.get("/openapi.json", headers={"x-api-key": "k"}).json()
    assert found["security"] == [{"bearer": []}, {"key": []}]
    assert found["paths"]["/livez"]["get"]["security"] == []
