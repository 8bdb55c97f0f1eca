"""What this machine can give, who holds a port, and which process is which."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from backends.targets import host


@pytest.fixture
def cgroups(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def limit(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own"
    path.write_text(text)
    return path


def test_without_limits_it_is_the_machine_itself(tmp_path: Path) -> None:
    found = host.capacity(tmp_path / "none", tmp_path / "none")
    assert found.cpus == len(os.sched_getaffinity(0))
    assert 0 < found.memory_free_bytes <= found.memory_bytes


def test_limits_of_version_2_hold_also_from_a_group_above(cgroups: Path, tmp_path: Path) -> None:
    limit(cgroups / "outer", cpu__max="50000 100000", memory__max="1000000")
    limit(cgroups / "outer" / "inner", cpu__max="max 100000", memory__max="max")
    limit(cgroups / "outer", memory__current="400000")
    found = host.capacity(cgroups, own(tmp_path, "0::/outer/inner\n"))
    assert found.cpus == 0.5
    assert (found.memory_bytes, found.memory_free_bytes) == (1_000_000, 600_000)


def test_limits_of_version_1_hold(cgroups: Path, tmp_path: Path) -> None:
    limit(cgroups / "cpu" / "box", cpu__cfs_quota_us="150000", cpu__cfs_period_us="100000")
    limit(cgroups / "memory" / "box", memory__limit_in_bytes="2000000")
    found = host.capacity(cgroups, own(tmp_path, "4:memory:/box\n1:cpu:/box\n0::/\n"))
    assert found.cpus == min(1.5, len(os.sched_getaffinity(0)))
    assert found.memory_bytes == 2_000_000


def test_unlimited_groups_change_nothing(cgroups: Path, tmp_path: Path) -> None:
    limit(cgroups / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    limit(cgroups / "memory", memory__limit_in_bytes="9223372036854771712")
    found = host.capacity(cgroups, own(tmp_path, "4:memory:/\n1:cpu:/\nnonsense\n"))
    assert found.cpus == len(os.sched_getaffinity(0))


def test_free_disk_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert host.disk_free(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_names_who_listens(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        problem = host.port_problem(address, port)
        assert f"port {port} is taken by" in problem
        assert f"pid {os.getpid()}" in problem
    assert host.port_problem(address, port) == ""


def test_an_address_that_is_not_ours_is_a_problem_of_its_own() -> None:
    assert "cannot be used" in host.port_problem("192.0.2.1", 8080)


def test_a_process_keeps_its_identity_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        first = host.identity(child.pid)
        assert first == host.identity(child.pid) != host.identity(os.getpid())
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert host.identity(child.pid) is None, "a zombie counts as gone"
    assert host.identity(child.pid) is None
