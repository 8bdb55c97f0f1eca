"""What a build is passed of this machine's settings."""

from pathlib import Path

import pytest

from backends.images.containers.inputs import build_inputs, input_entries, localised
from backends.images.containers.lines import LogLines
from backends.images.environment import EnvironmentPlan

NOTHING = {"PIP_CONFIG_FILE": "/dev/null"}


def test_indexes_are_passed_to_uv_and_to_pip_alike() -> None:
    said = NOTHING | {
        "PIP_INDEX_URL": "https://a.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://b.example/simple",
        "PIP_TRUSTED_HOST": "b.example",
    }
    passed = build_inputs(said).variables
    assert passed["UV_DEFAULT_INDEX"] == passed["PIP_INDEX_URL"] == "https://a.example/simple"
    assert passed["UV_INDEX"] == passed["PIP_EXTRA_INDEX_URL"] == "https://b.example/simple"
    assert passed["UV_INSECURE_HOST"] == passed["PIP_TRUSTED_HOST"] == "b.example"


def test_folders_of_this_machine_are_not_passed_and_noted() -> None:
    inputs = build_inputs(NOTHING | {"PIP_EXTRA_INDEX_URL": "file:///srv/simple"})
    assert "file:" not in repr(dict(inputs.variables))
    assert inputs.notes == (
        "The package index file:///srv/simple is a folder of this machine: not used.",
    )


def test_proxies_are_passed_in_both_spellings() -> None:
    passed = build_inputs(NOTHING | {"https_proxy": "http://proxy.example:3128"}).variables
    assert passed["HTTPS_PROXY"] == passed["https_proxy"] == "http://proxy.example:3128"


def test_authorities_are_passed_as_a_file_that_everybody_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    inputs = build_inputs(NOTHING | {"PIP_CERT": str(tmp_path / "ca.pem")})
    assert inputs.authorities == b"CA"
    names = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    assert {inputs.variables[name] for name in names} == {"/run/pilothouse/authorities.pem"}
    assert any(entry.name == "authorities.pem" for entry in input_entries(inputs))


@pytest.mark.parametrize(
    ("index", "network"),
    [("http://127.0.0.1:3141/simple", "host"), ("https://a.example/simple", "")],
)
def test_an_index_on_loopback_is_reached_over_the_engines_own_network(
    index: str, network: str
) -> None:
    assert build_inputs(NOTHING | {"PIP_INDEX_URL": index}).network == network


def test_the_inputs_show_nothing_of_themselves() -> None:
    inputs = build_inputs(NOTHING | {"PIP_INDEX_URL": "https://u:secret@a.example/"})
    assert "secret" not in repr(inputs)


def test_local_packages_and_folders_are_named_as_they_lie_inside(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_text("")
    plan = EnvironmentPlan(
        key="k",
        python="3.11",
        requirements=("numpy", f"{tmp_path}/a.whl[x]"),
        pip_options=(f"--find-links {tmp_path}", "--pre", "--index-url https://a.example/"),
    )
    lines, places = localised(plan)
    assert lines == [
        f"--find-links /run/pilothouse/local/0/{tmp_path.name}",
        "--index-url https://a.example/",
        "numpy",
        "/run/pilothouse/local/1/a.whl[x]",
    ]
    assert list(places.values()) == [tmp_path, tmp_path / "a.whl"]


def framed(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4) + data


def test_lines_are_whole_however_the_engine_cuts_them() -> None:
    data = (
        framed(1, b"one\ntw")
        + framed(2, b"\x1b[31mred\x1b[0m\n")
        + framed(1, b"o\r\n10%\r99%\nend")
    )
    for size in (1, 3, 1000):
        lines, found = LogLines(), list[str]()
        for start in range(0, len(data), size):
            found += lines.feed(data[start : start + size])
        found += lines.rest()
        assert found == ["one", "red", "two", "99%", "end"]
