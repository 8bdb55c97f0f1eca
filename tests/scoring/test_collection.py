"""Data collection: dated CSV files below one folder, whoever collects; no request waits for it."""

import csv
import datetime as dt
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from backends.scoring.supervisor.datafiles import DataFiles
from tests.scoring.conftest import ECHO
from tests.support.pythons import Python, pythons
from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]
Rows = list[dict[str, str]]
ORIGIN = [
    "$aml_dc_correlation_id",
    "$aml_dc_scoring_timestamp",
    "$aml_dc_boundary",
    "$aml_workspace",
    "$aml_service_name",
    "$aml_model_name",
    "$aml_model_version",
    "$aml_request_id",
]
MODEL = {"name": "digits", "version": 3, "digest": "d"}
COLLECTING = """
import json
from azureml.monitoring import ModelDataCollector
def init():
    global inputs, predictions
    inputs = ModelDataCollector("digits", designation="inputs", feature_names=["a", "b"])
    predictions = ModelDataCollector("digits", designation="predictions", feature_names=["p"])
def run(data):
    rows = json.loads(data)
    correlations = inputs.collect(rows)
    results = [sum(row) for row in rows]
    predictions.collect(predictions.add_correlations(results, correlations))
    return results
"""


def files(server: Server) -> dict[str, Path]:
    """Every collected file by its path, days left out."""
    top = server.folder / "modeldata"
    found = {}
    for path in top.rglob("*.csv"):
        name = str(path.relative_to(top))
        assert re.search(r"/\d{4}/\d\d/\d\d/", name), name
        found[re.sub(r"/\d{4}/\d\d/\d\d/", "/*/", name)] = path
    return found


def rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stored(server: Server, name: str, count: int) -> Rows:
    """The rows of a file, waited for."""

    def enough() -> bool:
        path = files(server).get(name)
        return path is not None and len(rows(path)) >= count

    until(enough, f"{count} rows in {name}")
    return rows(files(server)[name])


def metric(server: Server, start: str) -> float:
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(start))


def test_a_script_without_a_collector_has_bodies_collected(serve: Serve) -> None:
    server = serve(collect_data=True, models=[MODEL], workspace="ws")
    body = {"text": 'two\nlines, "quoted"', "n": [1, 2]}
    server.score(body, headers={"x-request-id": "r1"})
    server.score(b"[1, 2", headers={"x-request-id": "broken"})
    server.score(3, headers={"x-request-id": "r2"})
    place = "default/default/ws/svc/digits/3"
    found = stored(server, f"{place}/inputs/*/inputs.csv", 2)
    assert list(found[0]) == [*ORIGIN, "body"]
    assert json.loads(found[0]["body"]) == body
    assert [row["$aml_request_id"] for row in found] == ["r1", "r2"]
    answers = stored(server, f"{place}/predictions/*/predictions.csv", 2)
    assert [row["$aml_dc_correlation_id"] for row in answers] == ["r1", "r2"]
    assert json.loads(answers[0]["body"]) == body
    names = ("$aml_workspace", "$aml_service_name", "$aml_model_name", "$aml_model_version")
    assert [answers[0][name] for name in names] == ["ws", "svc", "digits", "3"]
    when = dt.datetime.fromisoformat(answers[0]["$aml_dc_scoring_timestamp"])
    assert abs((dt.datetime.now(dt.UTC) - when).total_seconds()) < 600
    assert metric(server, 'scoring_collected_rows_total{designation="inputs"}') == 2
    for path in files(server).values():
        assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_collected_unless_it_is_asked_for(serve: Serve) -> None:
    server = serve(COLLECTING)
    assert server.score([[1, 2]]).json() == [3]
    assert server.stop() == 0
    assert not (server.folder / "modeldata").exists()


def test_a_scripts_own_collectors_write_to_the_same_place(serve: Serve) -> None:
    server = serve(COLLECTING, collect_data=True, models=[MODEL])
    server.score([[1, 2], [3, 4]], headers={"x-request-id": "r1"})
    assert server.stop() == 0
    place = "default/default/default/svc/digits/3"
    assert set(files(server)) == {
        f"{place}/inputs/*/inputs.csv",
        f"{place}/predictions/*/predictions.csv",
    }
    inputs = rows(files(server)[f"{place}/inputs/*/inputs.csv"])
    assert list(inputs[0]) == [*ORIGIN, "a", "b"]
    assert [(row["a"], row["b"]) for row in inputs] == [("1", "2"), ("3", "4")]
    predictions = rows(files(server)[f"{place}/predictions/*/predictions.csv"])
    assert [row["p"] for row in predictions] == ["3", "7"]
    ids = [row["$aml_dc_correlation_id"] for row in predictions]
    assert ids == [row["$aml_dc_correlation_id"] for row in inputs] == ["r1_0", "r1_1"]
    assert {row["$aml_request_id"] for row in predictions} == {"r1"}


@pytest.mark.parametrize(
    ("data", "columns", "values"),
    [
        ("[1, 2, 3]", ["0"], [["1"], ["2"], ["3"]]),
        ("[{'x': 1, 'y': None}, {'x': 2}]", ["x", "y"], [["1", ""], ["2", ""]]),
        ("{'x': 'a,b'}", ["x"], [["a,b"]]),
        ("numpy.array([[1.5, 2.0]])", ["0", "1"], [["1.5", "2.0"]]),
        ("numpy.array(7)", ["0"], [["7"]]),
        ("'text'", ["0"], [["text"]]),
        ("Frame()", ["x", "y"], [["1", "2"]]),
    ],
)
def test_every_usual_shape_of_data_is_taken(
    serve: Serve, data: str, columns: list[str], values: list[list[str]]
) -> None:
    script = f"""
import numpy
from azureml.monitoring import ModelDataCollector
class Frame:
    columns = ["x", "y"]
    values = numpy.array([[1, 2]])
def init():
    global collector
    collector = ModelDataCollector(model_name="m", designation="signals")
def run(_):
    collector.collect({data}, user_correlation_id="mine")
"""
    server = serve(script, collect_data=True)
    assert server.score({}).status_code == 200
    found = stored(server, "default/default/default/svc/m/1/signals/*/signals.csv", len(values))
    assert list(found[0]) == [*ORIGIN, *columns]
    assert [[row[name] for name in columns] for row in found] == values
    many = len(values) > 1
    assert found[0]["$aml_dc_correlation_id"] == ("mine_0" if many else "mine")


@pytest.mark.parametrize("python", pythons("oldest"))
def test_the_oldest_python_collects_too(serve: Serve, python: Python) -> None:
    server = serve(COLLECTING, collect_data=True, interpreter=str(python.path))
    server.score([[1, 2]])
    found = stored(server, "default/default/default/svc/digits/1/inputs/*/inputs.csv", 1)
    assert (found[0]["a"], found[0]["b"]) == ("1", "2")


def test_names_of_a_script_stay_below_the_folder(serve: Serve) -> None:
    script = """
from azureml.monitoring import ModelDataCollector
def init():
    global collector
    collector = ModelDataCollector("../../../../up", designation="/etc/../x\\n", model_version="..")
def run(_): collector.collect([1])
"""
    server = serve(script, collect_data=True)
    server.score({})
    name = "default/default/default/svc/.._.._.._.._up/default/_etc_.._x_/*/_etc_.._x_.csv"
    assert stored(server, name, 1)
    assert 'designation="other"} 1' in server.get("/metrics").text


def test_data_that_cannot_be_read_fails_no_request(serve: Serve) -> None:
    script = """
from azureml.monitoring import ModelDataCollector
class Odd:
    def tolist(self): raise ValueError("not today")
def init():
    global collector
    collector = ModelDataCollector("m", "inputs")
def run(_):
    for data in (Odd(), [{"a": 1}, [2]], None, iter([1])):
        correlations = collector.collect(data)
    return collector.add_correlations([5], correlations)
"""
    server = serve(script, collect_data=True)
    assert server.score({}).json() == [[5]]
    assert 'lost_total{reason="unreadable"} 2' in server.get("/metrics").text
    assert server.logged("data that cannot be collected: ValueError: not today")
    assert len(stored(server, "default/default/default/svc/m/1/inputs/*/inputs.csv", 2)) == 2


def test_threads_of_a_script_may_collect(serve: Serve) -> None:
    script = """
import threading
from azureml.monitoring import ModelDataCollector
def init():
    global collector
    collector = ModelDataCollector("m", "inputs")
def run(_):
    threads = [threading.Thread(target=collector.collect, args=([[i] * 500],)) for i in range(20)]
    for t in threads: t.start()
    result = "x" * 100_000
    for t in threads: t.join()
    return result
"""
    server = serve(script, collect_data=True)
    for _ in range(5):
        answer = server.score({}, headers={"x-request-id": "one"})
        assert answer.json() == "x" * 100_000
    found = stored(server, "default/default/default/svc/m/1/inputs/*/inputs.csv", 100)
    assert {row["$aml_request_id"] for row in found} == {"one"}


def test_a_disk_that_takes_nothing_costs_rows_and_no_request(serve: Serve, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be", encoding="utf-8")
    server = serve(collect_data=True, data_dir=str(blocked))
    assert server.score(1).json() == 1
    until(lambda: metric(server, "scoring_collected_lost_total") == 2, "the count of lost rows")
    assert 'scoring_collected_lost_total{reason="disk"} 2' in server.get("/metrics").text
    assert server.score(2).json() == 2
    assert server.logged("collected data cannot be stored")["level"] == "ERROR"
    assert server.stop() == 0
    assert "rows of collected data were lost" in server.logged("data were lost")["text"]


def test_a_disk_that_hangs_holds_up_no_request_and_no_end(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return len(data)\n", collect_data=True)
    for day in (dt.datetime.now(dt.UTC), dt.datetime.now(dt.UTC) + dt.timedelta(days=1)):
        place = server.folder / "modeldata/default/default/default/svc/svc/1/inputs"
        place = place / f"{day:%Y/%m/%d}"
        place.mkdir(parents=True)
        os.mkfifo(place / "inputs.csv")  # whoever opens it waits for a reader for ever
    memory = server.family()[0].memory_info
    before = memory().rss
    with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
        for _ in range(60):
            assert client.post("/score", content=b"x" * 1_000_000).json() == 1_000_000
    assert metric(server, 'scoring_collected_lost_total{reason="queue full"}') > 0
    assert server.logged("rows of collected data were lost")["level"] == "WARNING"
    assert memory().rss - before < 120 * 1024 * 1024
    assert server.stop() == 0


def test_what_is_too_large_or_streamed_is_counted_as_lost(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return len(data)\n", collect_data=True)
    assert server.score(b"x" * 9_000_000).json() == 9_000_000
    assert 'lost_total{reason="too large"} 2' in server.get("/metrics").text
    assert server.score(b"small").json() == 5
    assert len(stored(server, "default/default/default/svc/svc/1/inputs/*/inputs.csv", 1)) == 1


def test_another_revision_collects_under_its_own_names(serve: Serve) -> None:
    server = serve(ECHO, collect_data=True)
    server.score(1)
    path = server.launch_file("next.json", revision=2, collect_data=True)
    server.ask(op="swap", launch=str(path))
    server.wait("Healthy", serving=2)
    server.score(2)
    for revision in (1, 2):
        name = f"default/default/default/svc/svc/{revision}/inputs/*/inputs.csv"
        assert [row["body"] for row in stored(server, name, 1)] == [str(revision)]
    path = server.launch_file("off.json", revision=3, collect_data=False)
    server.ask(op="swap", launch=str(path))
    server.wait("Healthy", serving=3)
    server.score(3)
    assert server.stop() == 0
    assert len(files(server)) == 4


def test_a_new_file_begins_with_other_columns_or_a_full_size(tmp_path: Path) -> None:
    store = DataFiles(tmp_path, total_bytes=100_000, file_bytes=100)
    row = b"x" * 39 + b"\n"
    for header in ("a\n", "a\n", "b\n", "b\n", "b\n", "b\n"):
        store.append(("svc", "inputs"), "inputs", header, row)
    found = sorted(path.name for path in tmp_path.rglob("*.csv"))
    assert found == ["inputs.2.csv", "inputs.3.csv", "inputs.csv"]
    again = DataFiles(tmp_path, total_bytes=100_000, file_bytes=1000)
    again.append(("svc", "inputs"), "inputs", "b\n", row)
    newest = next(tmp_path.rglob("inputs.3.csv"))
    assert newest.read_bytes() == b"b\n" + row * 3
    newest.write_bytes(b"b\ntorn by a sudden en")
    DataFiles(tmp_path, total_bytes=100_000).append(("svc", "inputs"), "inputs", "b\n", row)
    assert next(tmp_path.rglob("inputs.4.csv")).read_bytes() == b"b\n" + row


def test_columns_that_take_turns_keep_their_files(tmp_path: Path) -> None:
    store = DataFiles(tmp_path, total_bytes=100_000)
    for number in range(10):
        store.append(("svc",), "inputs", "a\n" if number % 2 else "b\n", b"1\n")
    found = sorted(tmp_path.rglob("*.csv"))
    assert [path.name for path in found] == ["inputs.2.csv", "inputs.csv"]
    assert [path.read_bytes() for path in found] == [b"a\n" + b"1\n" * 5, b"b\n" + b"1\n" * 5]


def test_a_file_that_is_taken_away_begins_again_with_its_header(tmp_path: Path) -> None:
    store = DataFiles(tmp_path, total_bytes=100_000)
    for _ in range(2):
        store.append(("svc",), "inputs", "a\n", b"1\n")
        path = next(tmp_path.rglob("inputs.csv"))
        assert path.read_bytes() == b"a\n1\n"
        path.unlink()


def test_the_oldest_files_give_way_to_new_ones(tmp_path: Path) -> None:
    old = tmp_path / "svc" / "inputs" / "2020" / "01" / "02" / "inputs.csv"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"a\n" + b"y" * 800 + b"\n")
    os.utime(old, (1, 1))
    store = DataFiles(tmp_path, total_bytes=1000)
    removed = [store.append(("svc", "inputs"), "inputs", "a\n", b"x" * 99 + b"\n") for _ in "12"]
    assert removed == [0, 1]
    assert not (tmp_path / "svc" / "inputs" / "2020").exists()
    assert [path.stat().st_size for path in tmp_path.rglob("*.csv")] == [202]
