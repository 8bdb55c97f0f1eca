"""`pilothouse image` and `pilothouse model package`."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest

from tests.support.commandline import CommandLine, write_json
from tests.support.containers import client, needs_engine
from tests.support.wheels import wheel

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def packed() -> Iterator[str]:
    """Name of an image that is removed afterwards."""
    name = f"pilothouse-test-{uuid.uuid4().hex[:8]}"
    yield name
    with client() as engine:
        for image in engine.images(name=name):
            for tag in image["RepoTags"]:
                engine.remove_image(tag, force=True)


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A registered model, and a script whose packages lie in a folder."""
    wheel(cli.folder / "wheels", "harbour", "1.0")
    (cli.folder / "src" / "myenv.yml").write_text(
        "dependencies:\n- python=3.11\n- pip:\n  - --no-index\n"
        "  - --find-links ../wheels\n  - harbour==1.0\n"
    )
    write_json(
        cli.folder / "inferenceconfig.json",
        {
            "entryScript": "score.py",
            "sourceDirectory": "./src",
            "condaFile": "myenv.yml",
            "runtime": "python",
        },
    )
    cli.data("model", "register", "-n", "words", "-p", "models")
    return cli


def package(cli: CommandLine, *words: str) -> dict[str, object]:
    """What `model package` prints."""
    said: dict[str, object] = cli.data(
        "model", "package", "-m", "words:1", "--ic", "inferenceconfig.json", *words
    )
    return said


@needs_engine()
def test_a_package_is_an_image_that_is_listed_saved_removed_and_loaded(
    project: CommandLine, packed: str
) -> None:
    said = package(project, "--in", packed, "--il", "v1")
    location = f"{packed}:v1"
    assert said == {"generateDockerfile": False, "state": "Succeeded", "location": location}
    listed = {one["image"]: one for one in project.data("image", "list")}
    assert listed[location]["kind"] == "package"
    assert listed[location]["neededBy"] == []
    would = {one["image"] for one in project.data("image", "prune", "--dry-run")}
    assert location not in would
    saved = project.data("image", "save", location, "-t", "packed.tar")
    assert saved["size"] == (project.folder / "packed.tar").stat().st_size > 1_000_000
    again = project("image", "save", location, "-t", "packed.tar")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert project.data("image", "remove", location) == {"removed": location}
    assert project.data("image", "load", "packed.tar") == {"loaded": [location]}
    assert location in {one["image"] for one in project.data("image", "list")}
    table = project("image", "list", "-o", "table").out
    assert location in table
    assert "MB" in table


@needs_engine()
def test_images_of_others_are_refused(cli: CommandLine) -> None:
    ran = cli("image", "remove", "python:3.11-slim")
    assert ran.code == 1
    assert "was not made by Pilothouse" in ran.err
    assert not list(cli.folder.glob("*.part"))
    missing = cli("image", "save", "pilothouse/none:1", "-t", "none.tar")
    assert missing.code == 1
    assert not (cli.folder / "none.tar").exists()
    with client() as engine:
        engine.inspect_image("python:3.11-slim")


def test_the_dockerfile_form_needs_no_engine_and_keeps_no_setting_of_this_machine(
    project: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:s3cret@packages.invalid/simple")
    said = package(project, "--in", "words", "--il", "1", "--output-path", "out")
    assert said == {"generateDockerfile": True, "state": "Succeeded", "location": "out"}
    out = project.folder / "out"
    text = (out / "Dockerfile").read_text()
    assert "FROM python:3.11-slim" in text
    assert "COPY azureml-app /var/azureml-app" in text
    assert (out / "azureml-app/azureml-models/words/1/models/words.txt").read_text() == "one"
    assert (out / "azureml-app/src/score.py").exists()
    assert (out / "pilothouse/build/local/0/wheels/harbour-1.0-py3-none-any.whl").exists()
    written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"s3cret" not in written
    assert b"packages.invalid" not in written
    again = project("model", "package", "-m", "words:1", "--output-path", "out")
    assert again.code == 2


@needs_engine()
def test_the_written_dockerfile_builds_with_any_docker_and_answers(
    project: CommandLine, packed: str
) -> None:
    package(project, "--output-path", "out")
    with client() as engine:
        said = list(
            engine.build(path=str(project.folder / "out"), tag=f"{packed}:built", decode=True)
        )
        try:
            facts = engine.inspect_image(f"{packed}:built")
        except docker.errors.ImageNotFound:
            raise AssertionError(said[-20:]) from None
        made = engine.create_container(
            f"{packed}:built",
            entrypoint=["/opt/pilothouse/bin/pilothouse-python"],
            command=["-c", "import json; print(json.load(open('/var/pilothouse/launch.json')))"],
        )["Id"]
        try:
            engine.start(made)
            assert engine.wait(made)["StatusCode"] == 0
            launch = engine.logs(made).decode()
        finally:
            engine.remove_container(made)
    assert "'interpreter': '/usr/local/bin/python'" in launch
    assert facts["Config"]["User"] == "10001:10001"


def test_an_engine_that_is_not_there_is_said(cli: CommandLine, tmp_path: Path) -> None:
    socket = tmp_path / "none.sock"
    cli.data("computetarget", "attach", "docker", "-n", "away", "--set", f"url=unix://{socket}")
    ran = cli("image", "list", "--ct", "away")
    assert ran.code == 3
    assert str(socket) in ran.err
