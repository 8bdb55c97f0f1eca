"""A build as the timeline shows it: steps, output, the line that failed."""

from backends.errors import BuildFailed
from backends.services.records import (
    Event,
    RunFailed,
    Stage,
    StageFinished,
    StageOutput,
    StageStarted,
    StageStep,
)
from backends.targets.records import Evidence, ServiceState
from console.app.services import build
from console.app.services.present import Line, around, output_lines
from tests.support.storedservices import NOON


def step(number: int, title: str, **more: object) -> StageStep:
    fields = {"stage": Stage.ENVIRONMENT, "number": number, "title": title, "at": NOON, **more}
    return StageStep(**fields)  # type: ignore[arg-type]  # fields of a test


def said(line: str) -> StageOutput:
    return StageOutput(stage=Stage.ENVIRONMENT, line=line)


def text(lines: list[Line]) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in lines]


STARTED = StageStarted(stage=Stage.ENVIRONMENT, detail="4f1e", at=NOON)
EVENTS: list[Event] = [
    STARTED,
    step(1, "base python:3.11-slim"),
    step(1, "base python:3.11-slim", seconds=0.1, size=150_000_000, cached=True),
    step(2, "packages"),
    said("Resolved 4 packages"),
    said("\x1b[32mDownloading\x1b[0m numpy"),
]


def test_steps_have_time_and_bytes_and_the_last_output_follows() -> None:
    assert text(build.lines(EVENTS, NOON + 8.2, 20)) == [
        "  ✓  1 base python:3.11-slim                          150 MB made before",
        "  ◐  2 packages                                                    8.2 s",
        "",
        "Output of the build (o shows all)",
        "  ┆ Resolved 4 packages",
        "  ┆ Downloading numpy",
    ]


def test_nothing_is_shown_before_a_build_and_after_it_has_ended_well() -> None:
    assert build.lines([], NOON, 20) == []
    ended = StageFinished(stage=Stage.ENVIRONMENT, detail="built", seconds=9.0)
    assert build.lines([*EVENTS, ended], NOON, 20) == []


def test_the_line_that_failed_stands_out() -> None:
    telling = "No solution found: numpy==99 does not exist"
    noise = [said(f"line {number} of much noise") for number in range(200)]
    error = BuildFailed(f"The packages could not be installed: {telling}.", fix="Correct it.")
    failed = RunFailed(stage=Stage.ENVIRONMENT, error=error, service=None)
    shown = text(build.lines([*EVENTS, said(telling), *noise, failed], NOON, 14))
    assert f"  ▶ {telling}" in shown
    assert any(line.startswith("  ✖  2 packages") and line.endswith("failed") for line in shown)
    assert len(shown) <= 16


def test_all_output_is_kept_with_the_steps_as_heads() -> None:
    found = build.output(EVENTS)
    assert found[0] == "— environment: base python:3.11-slim"
    assert found[-1] == "Downloading numpy"


def test_without_a_quoted_line_the_end_is_shown() -> None:
    lines = [f"number {index} of many" for index in range(30)]
    assert around(lines, "nothing of these", 3) == lines[-3:]
    assert around(lines, "it said: number 7 of many.", 3) == lines[6:9]
    assert text(output_lines([])) == []


def test_a_failed_build_of_an_earlier_run_is_shown_from_its_evidence() -> None:
    from backends.services.records import Service
    from console.app.services.present import failure
    from tests.support.storedservices import spec

    lines = ("collecting", "error: no such package harbour==9", "1 problem", "stopped")
    service = Service(
        name="broken",
        target="engine",
        compute_type="local",
        created=NOON,
        updated=NOON,
        state=ServiceState.FAILED,
        reason="It failed: error: no such package harbour==9.",
        seen=NOON,
        reachable=True,
        url=None,
        spec=spec("broken"),
        evidence=Evidence(stage="environment", last_lines=lines),
    )
    assert "  ▶ error: no such package harbour==9" in text(failure(service))
