"""Our server as it ships: keys checked, logs and metrics on."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.scoring_server import Server

KEY = "one"


@contextlib.contextmanager
def running(folder: Path, script: str | None, **settings: object) -> Iterator[Server]:
    """A Healthy server over `folder/app`, whose model is in `azureml-models/digits/1`."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"primary": KEY, "secondary": "two"}), encoding="utf-8")
    settings = {"model_dir": "azureml-models/digits/1", "auth": True, **settings}
    server = Server(folder, script, keys_file=str(keys), queue_wait_ms=20_000, **settings)
    try:
        server.start().wait("Healthy")
        yield server
    finally:
        server.stop()
        server.close()
