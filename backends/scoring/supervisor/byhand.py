"""Flags and settings for a server that a person or a container starts by hand."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from backends.scoring.launch import Launch

from .compatible import applied
from .settings_files import NOTHING_SENT, PASSED_ON, Settings, SettingsError, read

PORT, HEALTH_PORT = 5001, 5000
INIT_SECONDS = 600
TIMEOUT_MS = 3_600_000
"""Defaults of azureml-inference-server-http."""
NO_TIMEOUT_MS = 1 << 31
"""What 0 asks for."""
_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)

DESCRIPTION = """Serve an entry script over HTTP.

azureml-inference-server-http's flags (azmlinfsrv), spelt with - or _, its environment variables and
its config.json are understood; a flag wins over a variable, a variable over the file."""


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[Launch, list[str]]:
    """The launch that flags, variables and file ask for, and what its starter should know of it.

    Wrong flags end the process with code 2.

    Raises:
        SettingsError: A variable or the config file cannot be used.
    """
    given = _parser().parse_args([_dashed(argument) for argument in arguments])
    root = Path(environ.get("AML_APP_ROOT") or ".").absolute()
    settings = read(environ, given.config_file, _config_folders(root, given, environ))
    root = Path(settings.text("AML_APP_ROOT", ".")).absolute()
    script = settings.text("AZUREML_ENTRY_SCRIPT") or None
    model_dir = settings.text("AZUREML_MODEL_DIR", "azureml-models")
    timeout = settings.number("WORKER_TIMEOUT", 0)
    limit = settings.number("SCORING_TIMEOUT_MS", TIMEOUT_MS) or NO_TIMEOUT_MS
    workers = given.worker_count or settings.number("WORKER_COUNT", 1) or 1
    origins = given.access_control_allow_origins
    passed = {name: value for name in PASSED_ON if (value := settings.from_file.get(name))}
    launch = Launch(
        service=settings.text("SERVICE_NAME", "ML service"),
        app_root=str(root),
        entry_script=os.path.realpath(given.entry_script) if given.entry_script else script,
        source_directory=settings.text("AZUREML_SOURCE_DIRECTORY") or None,
        model_dir=_from_here(given.model_dir, root) if given.model_dir else model_dir,
        interpreter=given.interpreter,
        variables={**passed, "AML_CORS_ORIGINS": origins} if origins else passed,
        workers=workers,
        concurrency=given.concurrency or workers,
        scoring_timeout_ms=min(limit, timeout * 1000) if timeout else limit,
        init_seconds=timeout or INIT_SECONDS,
        host=given.host or ("0.0.0.0" if _compatible(given, settings) else "127.0.0.1"),
        port=given.port,
        health_port=given.health_port
        or (HEALTH_PORT if settings.flag("SEPERATE_HEALTH_ENDPOINT") else None),
        auth=given.keys is not None,
        keys_file=given.keys,
        tls_certificate=given.tls_certificate,
        tls_key=given.tls_key,
        collect_data=given.data_dir is not None or settings.flag("AML_MODEL_DC_STORAGE_ENABLED"),
        data_dir=given.data_dir or "modeldata",
        workspace=settings.text("WORKSPACE_NAME", "default"),
        compatible=_compatible(given, settings),
        end_when_failed=True,
    )
    return applied(launch), [*_notes(settings), *_insights(given, settings)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pilothouse-serve",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--entry-script", metavar="FILE", help="the script; default: main.py of the app root")
    add("--model-dir", metavar="FOLDER", help="what AZUREML_MODEL_DIR names")
    add("--config-file", metavar="FILE", help="default: config.json of the app root or the script")
    add("--host", help="the address to listen on; default: 127.0.0.1, with --compatible 0.0.0.0")
    add("--port", type=_port, default=PORT, help=f"default: {PORT}")
    add("--health-port", type=_port, help="a second port for health pages alone")
    add("--worker-count", type=_count, help="processes that run the script; default: 1")
    add("--concurrency", type=_count, help="requests at once; default: one a worker")
    add("--access-control-allow-origins", metavar="ORIGINS", help="comma list of origins, or *")
    add("--appinsights-instrumentation-key", metavar="KEY", help="taken; nothing is sent")
    add("--keys", metavar="FILE", help="JSON with primary and secondary; requests need one")
    add("--tls-certificate", metavar="FILE", help="PEM with the chain; needs --tls-key")
    add("--tls-key", metavar="FILE", help="PEM with the certificate's key")
    add("--data-dir", metavar="FOLDER", help="collect inputs and predictions in dated files there")
    add("--interpreter", metavar="FILE", help="the Python that runs the script; default: this one")
    add("--compatible", action="store_true", help="the old server's answers where ours differ")
    return parser


def _dashed(argument: str) -> str:
    """A flag with dashes, however it was spelt; its value stays as it is."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def _config_folders(
    root: Path, given: argparse.Namespace, environ: Mapping[str, str]
) -> tuple[Path, ...]:
    script = given.entry_script or environ.get("AZUREML_ENTRY_SCRIPT")
    return (
        (root, (Path() if given.entry_script else root).joinpath(script).parent)
        if script
        else (root,)
    )


def _from_here(name: str, root: Path) -> str:
    """A path of the command line; the worker's own starts from the app root."""
    return name if root == Path.cwd() else str(Path(name).absolute())


def _compatible(given: argparse.Namespace, settings: Settings) -> bool:
    return bool(given.compatible) or settings.flag("PILOTHOUSE_COMPATIBLE")


def _notes(settings: Settings) -> list[str]:
    notes = [f"settings are read from {settings.file}"] if settings.file else []
    if settings.unknown:
        notes.append(
            f"{settings.file} has keys that mean nothing here: {', '.join(settings.unknown)}"
        )
    if settings.flag("WORKER_PRELOAD"):
        notes.append("WORKER_PRELOAD has no effect: every worker loads the script itself")
    return notes


def _insights(given: argparse.Namespace, settings: Settings) -> list[str]:
    """What becomes of Application Insights' settings."""
    key = given.appinsights_instrumentation_key or settings.text("AML_APP_INSIGHTS_KEY")
    if not given.appinsights_instrumentation_key and not settings.flag("AML_APP_INSIGHTS_ENABLED"):
        return []
    if not _KEY.match(key):
        return ["the Application Insights key is none; Application Insights stays off"]
    return [NOTHING_SENT]


def _port(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to 65535")
    return number


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


__all__ = ["SettingsError", "parse"]
