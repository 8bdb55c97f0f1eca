"""The launch file: what a driver writes for the supervisor to run one revision."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One revision of one service, as the scoring server runs it; holds no secret.

    Paths are absolute, or relative to the launch file's folder.
    """

    service: str
    revision: int = 1
    app_root: str = "."
    """The worker's working directory; `azureml-models/` and the source lie below it."""
    entry_script: str | None = None
    """Relative to `app_root`; None for a builtin handler."""
    source_directory: str | None = None
    """Relative to `app_root`; appended to the worker's `sys.path`."""
    builtin: str | None = None
    """onnx, sklearn or tensorflow: the no-code handler."""
    model_dir: str = "azureml-models"
    """Relative to `app_root`: what AZUREML_MODEL_DIR names."""
    interpreter: str | None = None
    """The worker's Python; None is the supervisor's own."""
    variables: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    concurrency: int = 1
    """Requests at once over all workers; more wait in the queue."""
    queue_wait_ms: int = 500
    queue_length: int = 1000
    """Requests that may wait; one more gets 503 at once."""
    scoring_timeout_ms: int = 60_000
    init_seconds: float = 600.0
    body_bytes: int = 100 * 1024 * 1024
    host: str = "127.0.0.1"
    port: int = 0
    auth: bool = False
    tls_certificate: str | None = None
    """PEM file with the certificate and its chain; with the key, requests come over TLS.

    Both are taken from the launch that the server starts with, not from one that is swapped in.
    """
    tls_key: str | None = None
    """PEM file with the certificate's key, not encrypted; both are read again when they change."""
    keys_file: str | None = None
    """JSON object with `primary` and `secondary`, mode 0600, re-read when it changes."""
    control_socket: str | None = None
    """Unix socket where the driver watches and commands the supervisor."""
    log_file: str | None = None
    """JSON lines go here, rotated by size; None is standard output."""
    log_bytes: int = 16 * 1024 * 1024
    """Size at which the log file becomes `<log_file>.1`."""
    state_file: str | None = None
    """The last status as JSON, replaced whole at each change."""
    termination_log: str = "/dev/termination-log"
    """Where Kubernetes looks for a container's last words; written only where it is there."""
    drain_delay: float = 0.0
    """Seconds for which a server told to stop still accepts, so that routers notice."""
    grace: float = 30.0
    """Seconds that requests in flight get when the server is told to stop."""
    health_port: int | None = None
    """A second port of `host` that answers health pages and metrics alone, without TLS."""
    compatible: bool = False
    """Answer as azureml-inference-server-http where ours differ on purpose: see
    `supervisor.compatible`. The variable PILOTHOUSE_COMPATIBLE=true asks for the same."""
    start_file: str | None = None
    """Becomes the launch of whatever revision takes over, so that the next start begins with it."""
    end_when_failed: bool = False
    """Exit with code 3 when the first start fails; otherwise the failure is told and kept."""
    sample: str | None = None
    """Body that warms a new worker."""
    collect_data: bool = False
    """Store inputs and predictions."""
    data_dir: str = "modeldata"
    """The folder that Azure ML called `modeldata`; service, model and date come below it."""
    data_bytes: int = 1024 * 1024 * 1024
    """All collected files together; the oldest give way."""
    workspace: str = "default"
    """Named in collected data alone."""
    models: list[dict[str, Any]] = field(default_factory=list)
    """`{"name", "version", "digest"}` each, for /metrics and the model directory."""

    def origin(self) -> dict[str, Any]:
        """Where collected rows are from; models as name and version."""
        models = [[str(m.get("name", "")), str(m.get("version", ""))] for m in self.models]
        return {
            "workspace": self.workspace,
            "service": self.service,
            "revision": self.revision,
            "models": models,
        }

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def load(cls, path: Path) -> "Launch":
        """Read a file; unknown keys are ignored so that older servers run newer files."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{key: value for key, value in data.items() if key in cls.__slots__})
