"""Counters and histograms in Prometheus' text format 0.0.4."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Upper bounds, requests in a batch."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds, seconds."""


class Histogram:
    """How long something took, seconds, or another quantity with its own bounds."""

    def __init__(self, bounds: Sequence[float] = BUCKETS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """One observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str) -> Iterable[str]:
        """The histogram's samples."""
        running = 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            running += count
            yield f'{name}_bucket{{le="{bound}"}} {running}'
        yield f"{name}_sum {self.total:.6f}"
        yield f"{name}_count {running}"


class Metrics:
    """What one supervisor has seen since its start."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route and status."""
        self.rejected: Counter[str] = Counter()
        """By reason."""
        self.duration = Histogram()
        self.queue = Histogram()
        self.run = Histogram()
        self.batch = Histogram(SIZES)

    def text(self, gauges: dict[str, float], models: Iterable[tuple[str, str, str]]) -> str:
        """The page; `models` are name, version and digest."""
        lines: list[str] = []
        _counter(lines, "http_server_requests_total", "Requests by route and status.")
        lines += [
            f'http_server_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self.requests.items())
        ]
        _counter(lines, "scoring_rejected_total", "Requests without a worker's answer.")
        lines += [
            f'scoring_rejected_total{{reason="{reason}"}} {count}'
            for reason, count in sorted(self.rejected.items())
        ]
        for name, histogram in (
            ("http_server_request_duration_seconds", self.duration),
            ("scoring_queue_seconds", self.queue),
            ("scoring_run_duration_seconds", self.run),
            *((("scoring_batch_size", self.batch),) if self.batch.total else ()),
        ):
            lines += [f"# TYPE {name} histogram", *histogram.lines(name)]
        for name, value in gauges.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# TYPE {name} {kind}", f"{name} {value:g}"]
        lines.append("# TYPE model_info gauge")
        lines += [
            f'model_info{{name="{_label(name)}",version="{_label(version)}",sha256="{digest}"}} 1'
            for name, version, digest in models
        ]
        return "\n".join(lines) + "\n"


def _counter(lines: list[str], name: str, text: str) -> None:
    lines += [f"# HELP {name} {text}", f"# TYPE {name} counter"]


def _label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
