"""What the service views say, without a terminal."""

import pytest
from msgspec.structs import replace

from backends.requests.records import Answer, Timing
from backends.services.records import (
    Service,
    Stage,
    StageFinished,
    StageOutput,
    StageStarted,
    StageTiming,
    Transition,
)
from backends.services.store import Store
from backends.targets.records import Evidence, ServiceState, Usage
from console.app.services import answer as answers
from console.app.services import config_pane, metrics, present, timeline
from console.app.services.metrics import Reading
from console.present import Cell, Tone
from tests.support.storedservices import NOON, NOW, failed, healthy, revision, updating

Line = list[Cell]


def text(lines: object) -> str:
    assert isinstance(lines, list | tuple)
    return "\n".join("".join(cell.text for cell in line) for line in lines)


@pytest.fixture
def service(store: Store) -> Service:
    updating(store)
    return store.service("sentiment")


def test_both_axes_stand_in_the_head(service: Service) -> None:
    shown = text(present.head(service, NOW))
    assert shown == (
        "◐ Transitioning  init   rolling out r2 (r1 serves 1/1)   process"
        "   http://127.0.0.1:8890/score\nrevision 2: init(); revision 1 serves"
    )


def test_the_last_known_state_carries_its_age(service: Service) -> None:
    shown = text(present.head(replace(service, reachable=False, seen=NOW - 200), NOW))
    assert "? Transitioning" in shown
    assert "process does not answer; this is how it was 3m ago." in shown


def test_a_failure_tells_where_why_and_what_to_try(store: Store) -> None:
    failed(store)
    shown = text(present.failure(store.service("broken")))
    assert shown.startswith("✖ Failed in init()   r1   exit code 3\nFileNotFoundError: ")
    assert "→ Compare the path with the model directory" in shown
    assert '    File "score.py", line 3, in load' in shown
    assert "loading w2v" in shown
    assert shown.count("in load") == 1
    assert "onnx_mnist/4/labels.txt  20 bytes" in shown


@pytest.mark.parametrize(
    ("evidence", "state", "wanted"),
    [
        (Evidence(out_of_memory=True), ServiceState.FAILED, "memoryInGB"),
        (Evidence(), ServiceState.UNSCHEDULABLE, "another target"),
        (
            Evidence(traceback="ModuleNotFoundError: No module named 'sklearn.svm'"),
            ServiceState.FAILED,
            "'sklearn.svm'",
        ),
        (Evidence(stage="environment"), ServiceState.FAILED, "conda file"),
        (Evidence(stage="import"), ServiceState.FAILED, "entry script"),
        (Evidence(exit_code=-9), ServiceState.FAILED, "Signal 9"),
        (Evidence(), ServiceState.UNHEALTHY, "l shows the log"),
    ],
)
def test_the_advice_follows_the_evidence(
    service: Service, evidence: Evidence, state: ServiceState, wanted: str
) -> None:
    broken = replace(service, evidence=evidence, state=state, serving=None)
    assert wanted in present.advice(broken)[0]


def test_hostile_evidence_is_harmless(store: Store) -> None:
    failed(store)
    evidence = Evidence(traceback="\x1b[2J\x1b]0;x\x07bad\x9b31m", last_lines=("\x1b[31mred\r",))
    shown = text(present.failure(replace(store.service("broken"), evidence=evidence)))
    assert shown.replace("\n", "").isprintable()


def test_the_newest_action_comes_first_and_what_followed_from_it_in_order(store: Store) -> None:
    updating(store)
    live = timeline.live_stage(
        [
            StageStarted(stage=Stage.START, detail="init()", at=NOON + 292, usual_seconds=12.0),
            StageOutput(stage=Stage.START, line="  loading  "),
        ]
    )
    found = timeline.steps(store.transitions("sentiment"), store.stages("sentiment"), live, NOW)
    words = [step.what.text for step in found]
    assert words[:3] == ["update r2", "◐ init", "start"]
    assert words[3] == "deploy r1"
    assert words[-1] == "● Healthy"
    assert found[2].running
    rows = timeline.rows(found, NOW)
    assert rows[2].cells[1].text == "└ start"
    assert rows[2].cells[2].text == "▕████████░░░░▏ loading"
    assert rows[2].cells[3] == Cell("8.0 s", Tone.BUSY)
    assert timeline.moment(rows[2].id) == NOON + 292


def test_a_finished_stage_is_no_longer_live() -> None:
    started = StageStarted(stage=Stage.BUNDLE, detail="", at=NOON)
    assert timeline.live_stage([]) is None
    assert timeline.live_stage([started]) is not None
    ended = StageFinished(stage=Stage.BUNDLE, detail="", seconds=1.0)
    assert timeline.live_stage([started, ended]) is None


def test_usual_is_the_median_of_earlier_runs_only() -> None:
    runs = [
        StageTiming(revision=n, stage=Stage.START, started=NOON + n, seconds=s, detail="")
        for n, s in enumerate((10.0, 20.0, 12.0, 99.0))
    ]
    found = timeline.steps((), runs, None, NOW)
    assert [step.usual for step in found] == [None, 10.0, 15.0, 12.0]


def test_states_without_an_action_before_them_are_shown_too() -> None:
    found = Transition(
        service="x",
        at=NOON,
        kind="state",
        state=ServiceState.UNHEALTHY,
        reason="the worker died",
        revision=1,
    )
    assert [step.what.text for step in timeline.steps([found], (), None, NOW)] == ["▲ Unhealthy"]


def test_a_change_that_two_observers_stored_is_shown_once() -> None:
    seen = [
        Transition(
            service="x",
            at=NOON + offset,
            kind="state",
            state=ServiceState.TRANSITIONING,
            reason="importing",
            revision=1,
            phase="importing",
        )
        for offset in (0.0, 0.01)
    ]
    assert len(timeline.steps(seen, (), None, NOW)) == 1


PAGE = """\
# TYPE http_server_requests_total counter
http_server_requests_total{route="/score",status="200"} 12
http_server_requests_total{route="/score",status="503"} 3
http_server_requests_total{route="/",status="200"} 99
http_server_request_duration_seconds_bucket{le="0.001"} 1
http_server_request_duration_seconds_bucket{le="0.01"} 10
http_server_request_duration_seconds_bucket{le="+Inf"} 20
scoring_workers_ready 2
not a sample at all
broken{le="1"} many
"""


def test_figures_come_from_usage_and_the_metrics_page() -> None:
    usage = Usage(at=NOON, cpu_percent=34.0, memory_bytes=128_000_000, processes=3)
    first = Reading(at=NOON, usage=usage, samples=metrics.parse(PAGE))
    second = Reading(
        at=NOON + 2,
        usage=usage,
        samples=metrics.parse(PAGE.replace('status="200"} 12', 'status="200"} 36')),
    )
    assert (first.requests, first.errors) == (15, 3)
    assert metrics.rate([first, second]) == [12.0]
    assert metrics.quantile(first, 0.5) == 0.01
    assert metrics.quantile(first, 0.95) == float("inf")
    shown = text(metrics.lines([first, second], 80))
    assert "cpu             34 % of one core" in shown
    assert "memory        128 MB" in shown
    assert "requests          39 12.0/s" in shown
    assert "half ≤ 10.0 ms, 95 % over 60 s" in shown
    assert "workers            2 ready" in shown


def test_a_target_that_measures_nothing_has_no_figures() -> None:
    assert metrics.lines([Reading(at=NOON)], 80) == []
    assert metrics.spark([], 10) == ""
    assert metrics.spark([0, 1, 2, 4], 3) == "▂▄█"


ANSWER = Answer(
    status=200,
    reason="OK",
    headers=(("content-type", "application/json"),),
    body=b'{"scores": [0.9, 0.1], "text": "a [\\n1 ]", "deep": {"x": [{"y": 1}]}}',
    timing=Timing(total=1.94, connect=0.2, wait=1.5, read=0.2, queue=0.0, run=1.1),
    request_id="7f3a",
    at=NOON,
)


def test_an_answer_is_taken_apart() -> None:
    assert text(answers.head(ANSWER)) == (
        "● 200 OK   1.9 ms\nconnect 0.2 wait 1.5 read 0.2 ms\nqueue 0.0 run 1.1 ms in the server"
    )
    elsewhere = replace(ANSWER, timing=Timing(total=1500.0))
    assert text(answers.head(elsewhere)) == "● 200 OK   1.5 s\nconnect ─ wait ─ read ─ ms"


def test_json_is_indented_with_numbers_side_by_side() -> None:
    shown = text(answers.lines(ANSWER, headers=True))
    assert shown.startswith("content-type: application/json\n\n{\n")
    assert '  "scores": [0.9, 0.1],\n' in shown
    assert '"text": "a [\\n1 ]"' in shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"plain \x1b[31mred\x07", "plain red"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'"\\u001b[2J\\u202e"', '"\\u001b[2J"'),
        (b"[" * 5000, "[" * 4000),
        (b"", ""),
    ],
)
def test_any_body_can_be_shown(body: bytes, shown: str) -> None:
    lines = answers.lines(replace(ANSWER, body=body), headers=False)
    assert text(lines)[:4000] == shown


def test_statuses_have_glyph_and_tone() -> None:
    assert [answers.tone(code) for code in (200, 404, 503)] == [Tone.GOOD, Tone.WARN, Tone.BAD]


def test_a_revision_reads_as_facts_difference_and_files(store: Store) -> None:
    healthy(store)
    before, after = revision(1, NOON, model=3), revision(2, NOON + 60)
    shown = text(list(config_pane.config_lines(after, before)))
    assert "entry script  source/score.py" in shown
    assert "── changed since r1\n- models: onnx_mnist:3\n+ models: onnx_mnist:4" in shown
    assert '+   "authEnabled": true' in shown
    assert "── inferenceconfig.json" in shown
    alone = text(list(config_pane.config_lines(before, None)))
    assert "changed since" not in alone
