"""How many threads a worker is told to use, and that who said otherwise is obeyed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends.scoring.supervisor import memory
from backends.scoring.supervisor.cgroups import Machine
from backends.scoring.supervisor.cores import cores, thread_variables, worker_threads
from tests.support.scoring_server import Server, until

Serve = Callable[..., Server]
AFFINITY = len(os.sched_getaffinity(0))
NAMES = (
    "PILOTHOUSE_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
TELL = f"""
import os
def init(): pass
def run(data): return {{name: os.environ.get(name) for name in {NAMES}}}
"""


def machine(folder: Path, group: str, files: dict[str, str]) -> Machine:
    """A machine whose kernel shows these files; paths are below the control groups' folder."""
    (folder / "proc" / "self").mkdir(parents=True)
    (folder / "proc" / "self" / "cgroup").write_text(group, encoding="ascii")
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return Machine(groups=folder / "groups", proc=folder / "proc")


@pytest.mark.parametrize(
    ("group", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "30000 100000"}, 0.3),
        ("0::/host/name\n", {"cpu.max": "50000 100000\n"}, 0.5),
        (
            "4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "25000", "cpu,cpuacct/x/cpu.cfs_period_us": "50000"},
            0.5,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            None,
        ),
        ("0::/\n", {"cpu.max": "what is this"}, None),
        ("nonsense", {}, None),
    ],
)
def test_cores_follow_the_nearest_and_every_higher_quota(
    tmp_path: Path, group: str, files: dict[str, str], quota: float | None
) -> None:
    assert cores(machine(tmp_path, group, files)) == (AFFINITY if quota is None else quota)


def test_every_worker_gets_at_least_one_thread() -> None:
    assert worker_threads(1) == max(1, int(cores()))
    assert worker_threads(1000) == 1


def test_who_set_the_leader_meant_those_that_follow_it() -> None:
    added = thread_variables({"OMP_NUM_THREADS": "7"}, 1)
    assert not {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} & set(added)
    added = thread_variables({"MKL_NUM_THREADS": "7"}, 1000)
    assert "MKL_NUM_THREADS" not in added
    assert added["OMP_NUM_THREADS"] == "1"


def test_a_worker_finds_its_share_in_its_variables(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    told = serve(TELL, workers=AFFINITY).score({}).json()
    assert told == dict.fromkeys(NAMES, "1")


def test_workers_added_later_share_the_cores_anew(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    server = serve(TELL)
    assert server.score({}).json()["PILOTHOUSE_THREADS"] == str(worker_threads(1))
    first = server.status()["workers"]
    server.ask(op="workers", count=AFFINITY)
    server.wait("Healthy", ready=AFFINITY)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: first[0] not in server.status()["workers"], "the first one's end")
    server.wait("Healthy", ready=AFFINITY)
    assert server.score({}).json()["PILOTHOUSE_THREADS"] == "1"


def test_one_variable_decides_all_and_each_can_be_set_apart(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    variables: dict[str, Any] = {"PILOTHOUSE_THREADS": "3", "OPENBLAS_NUM_THREADS": "5"}
    told = serve(TELL, variables=variables).score({}).json()
    assert told == dict.fromkeys(NAMES, "3") | {"OPENBLAS_NUM_THREADS": "5"}


def test_out_of_memory_kills_are_those_of_the_own_group(tmp_path: Path) -> None:
    second = machine(tmp_path / "2", "0::/s\n", {"s/memory.events": "low 0\noom_kill 3\n"})
    first = machine(tmp_path / "1", "7:memory:/s\n", {"memory/s/memory.oom_control": "oom_kill 4"})
    neither = machine(tmp_path / "0", "0::/\n", {})
    assert (memory.oom_kills(second), memory.oom_kills(first)) == (3, 4)
    assert memory.oom_kills(neither) is None
    (neither.proc / "vmstat").write_text("pgfault 1\noom_kill 9\n", encoding="ascii")
    assert memory.oom_kills(neither) == 9
