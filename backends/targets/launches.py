"""What a revision's spec alone says of its launch; where it runs, each driver adds."""

from msgspec import to_builtins

from backends.scoring.launch import Launch
from backends.targets.records import ServiceSpec

MOST_GRACE = 30.0
_MOST_WORKERS = 1024
"""A worker runs one request at a time, so their number is the limit; the launch's own limit only
has to lie above whatever they are scaled to later."""


def launch_of(spec: ServiceSpec) -> Launch:
    """The launch of a revision with the server's own defaults for place, files and address."""
    return Launch(
        service=spec.name,
        revision=spec.revision,
        entry_script=spec.entry_script,
        source_directory=spec.source_directory,
        builtin=spec.builtin,
        model_dir=spec.model_dir,
        interpreter=str(spec.interpreter) if spec.interpreter else None,
        variables=dict(spec.variables),
        concurrency=spec.limits.concurrency * _MOST_WORKERS,
        queue_wait_ms=spec.limits.queue_wait_ms,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        init_seconds=spec.limits.init_seconds,
        body_bytes=spec.limits.body_bytes,
        auth=spec.auth,
        sample=spec.sample,
        collect_data=spec.collect_data,
        workspace=spec.workspace,
        models=[to_builtins(model) for model in spec.models],
    )


def grace(spec: ServiceSpec, most: float = MOST_GRACE) -> float:
    """Seconds that requests in flight get when the service is stopped."""
    return min(most, spec.limits.scoring_timeout_ms / 1000)
