"""What an engine has beside what a revision asks for, before it is applied."""

from typing import Any

import pytest
from msgspec.structs import replace

from backends.engines.records import EngineInfo
from backends.targets.drivers.docker.room import Room, check_room
from backends.targets.records import Preflight, Resources, ServiceSpec

ENGINE = EngineInfo(
    identity="id",
    name="far",
    version="28.1",
    api_version="1.49",
    minimum_api="1.24",
    os="linux",
    architecture="x86_64",
    cpus=4,
    memory_bytes=8_000_000_000,
    rootless=False,
    runtimes=("runc",),
    gpu=False,
    log_driver="json-file",
    cgroup_version="2",
    storage="overlay2",
    warnings=(),
    latency_ms=1.0,
)
LINUX = {"Os": "linux", "Architecture": "amd64"}


def spec(**fields: Any) -> ServiceSpec:
    return ServiceSpec(workspace="w", name="mine", revision=1, target="far", **fields)


def checks(
    wanted: ServiceSpec,
    engine: EngineInfo = ENGINE,
    image: dict[str, str] | None = None,
    containers: tuple[dict[str, Any], ...] = (),
    ports: dict[int, str] | None = None,
) -> dict[str, Preflight]:
    room = Room(engine=engine, containers=containers, ports=ports or {}, near=False)
    return {check.name: check for check in check_room(wanted, room, image or {})}


def running(service: str, memory: int) -> dict[str, Any]:
    return {
        "State": {"Status": "running"},
        "HostConfig": {"Memory": memory},
        "Config": {"Labels": {"pilothouse/service": service}},
    }


def test_what_fits_passes_every_check() -> None:
    found = checks(spec(resources=Resources(cpu=4, memory_gb=8)), image=LINUX)
    assert all(check.ok for check in found.values())
    assert {"cpu", "memory", "port", "platform"} <= found.keys()


def test_more_than_there_is_blocks() -> None:
    found = checks(spec(resources=Resources(cpu=4.5, memory_gb=8.5)))
    for name, words in (("cpu", "asked 4.5 cores"), ("memory", "asked 8.5 GB")):
        assert not found[name].ok
        assert found[name].blocking
        assert words in found[name].detail
        assert found[name].fix


def test_a_limit_above_what_is_asked_counts() -> None:
    found = checks(spec(resources=Resources(cpu=1, cpu_limit=5, memory_gb=1, memory_gb_limit=9)))
    assert not found["cpu"].ok
    assert not found["memory"].ok


def test_memory_promised_to_other_services_warns_and_its_own_does_not_count() -> None:
    wanted = spec(resources=Resources(memory_gb=4))
    others = (running("other", 5_000_000_000), running("mine", 4_000_000_000))
    found = checks(wanted, containers=others)["memory"]
    assert not found.ok
    assert not found.blocking
    assert "5.0 are promised" in found.detail
    assert checks(wanted, containers=others[1:])["memory"].ok


@pytest.mark.parametrize(("gpu", "ok"), [(False, False), (True, True)])
def test_a_gpu_needs_a_runtime_for_it(*, gpu: bool, ok: bool) -> None:
    wanted = spec(resources=Resources(gpu=1))
    assert checks(wanted, replace(ENGINE, gpu=gpu))["gpu"].ok is ok
    assert "gpu" not in checks(spec())


def test_a_port_is_taken_by_a_service_with_a_name() -> None:
    found = checks(spec(port=8890), ports={8890: "other"})["port"]
    assert found.detail == "port 8890 is taken by other"
    assert checks(spec(port=8890), ports={8890: "mine"})["port"].ok
    assert checks(spec(port=8890))["port"].ok


@pytest.mark.parametrize(
    ("os", "machine", "image", "words"),
    [
        ("linux", "aarch64", LINUX, "for linux/amd64, the engine runs linux/arm64"),
        ("windows", "x86_64", LINUX, "for linux/amd64, the engine runs windows/amd64"),
        ("windows", "x86_64", {}, "for linux, the engine runs windows"),
    ],
)
def test_an_engine_of_another_platform_is_told(
    os: str, machine: str, image: dict[str, str], words: str
) -> None:
    engine = replace(ENGINE, os=os, architecture=machine)
    found = checks(spec(), engine, image)["platform"]
    assert not found.ok
    assert words in found.detail
