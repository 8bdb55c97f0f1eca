"""The launch file of a revision, as its pods find it."""

from msgspec import to_builtins

from backends.scoring.launch import Launch
from backends.targets.records import ServiceSpec

PORT = 5001
"""Where the server listens inside, as azureml-inference-server-http does."""
APP_ROOT = "/var/azureml-app"
SERVE = "/opt/pilothouse/bin/pilothouse-serve"
CONFIG = "/var/pilothouse/config"
"""Where the launch file's ConfigMap is mounted."""
KEYS = "/var/pilothouse/keys"
"""Where the Secret is mounted: a folder, so that new keys arrive without a restart."""
RUN = "/var/pilothouse/run"
"""Writable, gone with the pod."""
LAUNCH_FILE, KEYS_FILE = "launch.json", "keys.json"
DRAIN_SECONDS = 8.0
"""A pod told to stop still accepts for so long: endpoints are taken away asynchronously."""
_MAX_GRACE = 60.0
_MOST_WORKERS = 1024


def grace(spec: ServiceSpec) -> float:
    """Seconds that requests in flight get once nothing new is accepted."""
    return min(_MAX_GRACE, spec.limits.scoring_timeout_ms / 1000)


def launch(spec: ServiceSpec, interpreter: str | None) -> Launch:
    """What the server in a pod runs.

    Args:
        spec: The revision.
        interpreter: The user's Python in the image; None is the server's own.
    """
    return Launch(
        service=spec.name,
        revision=spec.revision,
        app_root=APP_ROOT,
        entry_script=spec.entry_script,
        source_directory=spec.source_directory,
        builtin=spec.builtin,
        model_dir=spec.model_dir,
        interpreter=interpreter,
        variables=dict(spec.variables),
        workers=1,
        concurrency=spec.limits.concurrency * _MOST_WORKERS,
        queue_wait_ms=spec.limits.queue_wait_ms,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        init_seconds=spec.limits.init_seconds,
        body_bytes=spec.limits.body_bytes,
        host="0.0.0.0",
        port=PORT,
        auth=spec.auth,
        keys_file=f"{KEYS}/{KEYS_FILE}" if spec.auth else None,
        control_socket=f"{RUN}/control.sock",
        state_file=f"{RUN}/state.json",
        drain_delay=DRAIN_SECONDS,
        grace=grace(spec),
        end_when_failed=True,
        sample=spec.sample,
        collect_data=spec.collect_data,
        data_dir=f"{RUN}/modeldata",
        workspace=spec.workspace,
        models=[to_builtins(model) for model in spec.models],
    )
