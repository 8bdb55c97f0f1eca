"""Flags and variables for a server that a person or a container starts by hand."""

import argparse
import os
import sys
from collections.abc import Sequence

from backends.scoring.launch import Launch

PORT = 5001
"""azureml-inference-server-http's."""


def parse(arguments: Sequence[str]) -> Launch:
    """The launch that flags, then variables, ask for; wrong flags end the process with code 2."""
    parser = argparse.ArgumentParser(
        prog="pilothouse-serve", description="Serve an entry script over HTTP."
    )
    add = parser.add_argument
    add("--entry-script", "--entry_script", default=os.environ.get("AZUREML_ENTRY_SCRIPT"))
    add("--model-dir", "--model_dir", default=os.environ.get("AZUREML_MODEL_DIR", "azureml-models"))
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=PORT)
    add("--worker-count", "--worker_count", type=int, default=_number("WORKER_COUNT", 1))
    add("--concurrency", type=int, help="requests at once; default: one a worker")
    add("--keys", metavar="FILE", help="JSON with primary and secondary; requests need one")
    add("--interpreter", help="the Python that runs the script; default: this one")
    add(
        "--access-control-allow-origins",
        "--access_control_allow_origins",
        metavar="ORIGINS",
        help="comma list of origins, or *",
    )
    given = parser.parse_args(arguments)
    origins = given.access_control_allow_origins
    return Launch(
        service=os.environ.get("SERVICE_NAME", "ML service"),
        app_root=os.environ.get("AML_APP_ROOT", "."),
        entry_script=given.entry_script,
        source_directory=os.environ.get("AZUREML_SOURCE_DIRECTORY"),
        model_dir=given.model_dir,
        interpreter=given.interpreter,
        variables={"AML_CORS_ORIGINS": origins} if origins else {},
        workers=given.worker_count,
        concurrency=given.concurrency or given.worker_count,
        scoring_timeout_ms=_number("SCORING_TIMEOUT_MS", 3_600_000),
        host=given.host,
        port=given.port,
        auth=given.keys is not None,
        keys_file=given.keys,
    )


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        sys.exit(f"pilothouse-serve: {name} must be a whole number, not {text!r}")
