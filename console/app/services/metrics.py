"""What a service's figures say: the target's usage and the server's own `/metrics`. Pure."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct, field

from backends.targets.records import Replica, ServiceState, Usage
from console import present
from console.present import NOTHING, Cell, Tone
from console.printable import printable

BLOCKS = "▁▂▃▄▅▆▇█"
SERVER_ERROR = 500
LATENCY = "http_server_request_duration_seconds_bucket"

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Line = Sequence[Cell]


class Sample(Struct, frozen=True, kw_only=True):
    """One line of Prometheus' text format 0.0.4."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float


class Reading(Struct, frozen=True, kw_only=True):
    """Everything measured at one moment; None where nothing is known."""

    at: float
    usage: Usage | None = None
    samples: tuple[Sample, ...] = ()
    replicas: tuple[Replica, ...] = ()

    def total(self, name: str, **labels: str) -> float | None:
        """Sum of a metric's samples that carry these labels; None when there is none."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None

    @property
    def requests(self) -> float:
        """Scoring requests answered since the start."""
        return self.total("http_server_requests_total", route="/score") or 0.0

    @property
    def errors(self) -> float:
        """Scoring requests answered with a status of 500 or above."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == "http_server_requests_total"
            and sample.labels.get("route") == "/score"
            and int(sample.labels.get("status", "0") or 0) >= SERVER_ERROR
        )


def parse(text: str) -> tuple[Sample, ...]:
    """The samples of a page; lines that are none are left out."""
    found = []
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.match(line)
        if match is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = dict(_LABEL.findall(match[2] or ""))
        found.append(Sample(name=match[1], labels=labels, value=value))
    return tuple(found)


def quantile(reading: Reading, share: float) -> float | None:
    """Upper bound in seconds that this share of requests stayed within; None without requests."""
    buckets = [
        (float(sample.labels.get("le", "inf")), sample.value)
        for sample in reading.samples
        if sample.name == LATENCY
    ]
    buckets.sort()
    if not buckets or not buckets[-1][1]:
        return None
    wanted = share * buckets[-1][1]
    return next(bound for bound, count in buckets if count >= wanted)


def rate(readings: Sequence[Reading]) -> list[float]:
    """Requests a second between each two readings."""
    return [
        max(new.requests - old.requests, 0.0) / max(new.at - old.at, 0.001)
        for old, new in pairwise(readings)
    ]


def spark(values: Sequence[float], width: int) -> str:
    """The last values as a row of blocks, from nothing to the highest of them."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return BLOCKS[0] * len(shown)
    return "".join(BLOCKS[min(int(value / top * 7.999), 7)] for value in shown)


def lines(readings: Sequence[Reading], width: int) -> list[Line]:
    """The figures, each with how it went lately."""
    now = readings[-1]
    room = max(width - 35, 8)
    used = [reading.usage for reading in readings if reading.usage]
    found: list[Line] = []
    if used:
        cpu, memory = [u.cpu_percent for u in used], [float(u.memory_bytes) for u in used]
        found.append(_figure("cpu", f"{cpu[-1]:.0f} %", "of one core", spark(cpu, room)))
        limit = used[-1].memory_limit_bytes
        of = f"of {present.size(limit)}" if limit else ""
        found.append(_figure("memory", present.size(memory[-1]), of, spark(memory, room)))
        found += _network(used, room)
        found.append(_figure("processes", str(used[-1].processes), ""))
    if now.samples:
        found += [(), *_served(readings, room)]
    return [*found, *replica_lines(now.replicas, now.at)]


def _network(used: Sequence[Usage], room: int) -> list[Line]:
    """Bytes a second in and out, where the target measures them."""
    ways = {
        "received": [usage.received_bytes for usage in used],
        "sent": [usage.sent_bytes for usage in used],
    }
    times = [usage.at for usage in used]
    found = []
    for name, said in ways.items():
        counts = [count or 0 for count in said]
        if said[-1] is None:
            continue
        rates = [
            max(new - old, 0) / max(until - since, 0.001)
            for (old, new), (since, until) in zip(pairwise(counts), pairwise(times), strict=True)
        ]
        speed = f"{present.size(rates[-1])}/s" if rates else ""
        found.append(_figure(name, speed, f"{present.size(counts[-1])} total", spark(rates, room)))
    return found


def replica_lines(replicas: Sequence[Replica], now: float) -> list[Line]:
    """Each replica with its state; nothing where there are none apart from the service."""
    found: list[Line] = []
    for replica in replicas:
        state = present.state(replica.state)
        again = f"  {present.count(replica.restarts, 'restart')}" if replica.restarts else ""
        age = present.age(replica.since, now) if replica.since else ""
        well = replica.state is ServiceState.HEALTHY
        found.append(
            (
                Cell(f"  {state.text:<16}", state.tone),
                Cell(f"r{replica.revision:<4}"),
                Cell(f"{replica.role:<9}", Tone.DIM),
                Cell(f"{age:>4}  ", Tone.DIM),
                Cell(printable(replica.name), Tone.DIM),
                Cell(again, Tone.WARN),
            )
        )
        if not well and replica.reason:
            found.append((Cell(f"    {present.plain(printable(replica.reason))}", Tone.DIM),))
    return [(), (Cell("  Replicas", Tone.DIM),), *found] if found else []


def _served(readings: Sequence[Reading], room: int) -> list[Line]:
    now, rates = readings[-1], rate(readings)
    speed = f"{rates[-1]:.1f}/s" if rates else ""
    middle, most = quantile(now, 0.5), quantile(now, 0.95)
    times = f"half {_within(middle)}, 95 % {_within(most)}" if middle is not None else NOTHING
    return [
        _figure("requests", f"{now.requests:,.0f}", speed, spark(rates, room)),
        _figure("failed", f"{now.errors:,.0f}", "status 500 and above"),
        (Cell(f"  {'latency':<11}", Tone.DIM), Cell(f"  {times}")),
        _figure("running", _number(now, "scoring_inflight"), ""),
        _figure("waiting", _number(now, "scoring_queue_depth"), ""),
        _figure("workers", _number(now, "scoring_workers_ready"), "ready"),
        _figure("restarts", _number(now, "scoring_worker_restarts_total"), ""),
    ]


def _figure(name: str, value: str, note: str, blocks: str = "") -> Line:
    return (
        Cell(f"  {name:<11}", Tone.DIM),
        Cell(f"{value:>9}"),
        Cell(f" {note:<12}", Tone.DIM),
        Cell(blocks, Tone.ACCENT),
    )


def _number(reading: Reading, name: str) -> str:
    value = reading.total(name)
    return NOTHING if value is None else f"{value:,.0f}"


def _within(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    return "over 60 s" if seconds == float("inf") else f"≤ {present.took(seconds)}"
