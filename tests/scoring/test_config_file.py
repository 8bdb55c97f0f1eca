"""A deployed service's own `config.json`, beside what its launch file says."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.support.scoring_server import Server

Serve = Callable[..., Server]


def write(tmp_path: Path, text: str, folder: str = "") -> None:
    path = tmp_path / "0/app" / folder / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_it_sets_what_the_launch_file_leaves_open(serve: Serve, tmp_path: Path) -> None:
    settings = {
        "AML_CORS_ORIGINS": "http://a.example",
        "SERVICE_VERSION": "9",
        "SERVICE_PATH_PREFIX": "file",
        "SCORING_TIMEOUT_MS": 1,
        "subscription_id": {"of": "another file"},
    }
    write(tmp_path, json.dumps(settings))
    server = serve(variables={"SERVICE_PATH_PREFIX": "launch"})
    answer = server.get("/launch/swagger.json", headers={"origin": "http://a.example"})
    assert answer.headers["access-control-allow-origin"] == "http://a.example"
    assert answer.json()["info"]["version"] == "9"
    assert "sets AML_CORS_ORIGINS, SERVICE_VERSION" in server.logged("config.json")["text"]
    assert server.score({"a": 1}).json() == {"a": 1}


def test_one_that_belongs_to_something_else_is_passed_over(serve: Serve, tmp_path: Path) -> None:
    write(tmp_path, '{"model_type": "bert", "layers": [1, 2]}')
    server = serve()
    assert server.score({"a": 1}).json() == {"a": 1}
    assert not [line for line in server.log() if "config.json" in line["text"]]
    write(tmp_path, "no json")
    launch = server.launch_file("2.json", revision=2)
    assert server.ask(op="swap", launch=str(launch)) == {"ok": True}
    server.wait("Healthy", serving=2)
    assert "it is passed over" in server.logged("config.json")["text"]


def test_application_insights_is_said_to_get_nothing(serve: Serve) -> None:
    server = serve(variables={"AML_APP_INSIGHTS_ENABLED": "true"})
    assert server.logged("this server sends it nothing")["level"] == "WARNING"
