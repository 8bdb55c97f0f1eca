"""The launch file of a revision, as its pods find it."""

from dataclasses import replace

from backends.scoring.launch import Launch
from backends.targets import launches
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
_MOST_GRACE = 60.0


def grace(spec: ServiceSpec) -> float:
    """Seconds that requests in flight get once nothing new is accepted."""
    return launches.grace(spec, _MOST_GRACE)


def launch(spec: ServiceSpec) -> Launch:
    """What the server in a pod runs."""
    return replace(
        launches.launch_of(spec),
        app_root=APP_ROOT,
        host="0.0.0.0",
        port=PORT,
        keys_file=f"{KEYS}/{KEYS_FILE}" if spec.auth else None,
        control_socket=f"{RUN}/control.sock",
        state_file=f"{RUN}/state.json",
        drain_delay=DRAIN_SECONDS,
        grace=grace(spec),
        end_when_failed=True,
        data_dir=f"{RUN}/modeldata",
    )
