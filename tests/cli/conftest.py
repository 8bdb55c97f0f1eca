"""A command line of its own for each test, or for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commandline import CommandLine, command_line, write_json

SCORE = """\
import json
import os


def init():
    global text
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "models", "words.txt")) as file:
        text = file.read()
    print("\\x1b[31mloaded\\x1b[0m", text)


def run(data):
    sent = json.loads(data)
    print("scoring", sent)
    return {"model": text, "sent": sent}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """An empty home, and a project folder to stand in."""
    with command_line(_project(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The same for all tests of a module."""
    with command_line(_project(tmp_path_factory.mktemp("shared"))) as made:
        yield made


def _project(folder: Path) -> Path:
    """Files as the documentation's pages have them: a folder model, a script and two configs."""
    (folder / "models").mkdir()
    (folder / "models" / "words.txt").write_text("one")
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text(SCORE)
    write_json(
        folder / "inferenceconfig.json", {"entryScript": "score.py", "sourceDirectory": "./src"}
    )
    write_json(folder / "deploymentconfig.json", {"computeType": "process"})
    return folder
