"""uv and pip ask the indexes that the user has set."""

from pathlib import Path

import pytest

from backends.images.indexes import pip_environment, uv_environment, without_passwords


@pytest.fixture(autouse=True)
def no_pip_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    return tmp_path


def asked(**environ: str) -> dict[str, str]:
    found = uv_environment({"PIP_CONFIG_FILE": "/dev/null", **environ})
    return {name: value for name, value in found.items() if name.startswith("UV_")}


def test_pips_settings_are_told_to_uv() -> None:
    found = asked(
        PIP_INDEX_URL="https://a/simple",
        PIP_EXTRA_INDEX_URL="https://b/simple https://c/simple",
        PIP_FIND_LINKS="/wheels /more",
    )
    assert found["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert found["UV_INDEX"] == "https://b/simple https://c/simple"
    assert found["UV_FIND_LINKS"] == "/wheels,/more"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_uvs_own_settings_go_first() -> None:
    found = asked(PIP_INDEX_URL="https://a/simple", UV_INDEX_URL="https://u/simple")
    assert "UV_DEFAULT_INDEX" not in found
    assert found["UV_INDEX_URL"] == "https://u/simple"


def test_pips_files_count_and_its_variables_go_first(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text(
        "[global]\nindex-url = https://file/simple\nextra-index-url =\n  https://x\n  https://y\n"
    )
    found = asked(PIP_CONFIG_FILE=str(path))
    assert found["UV_DEFAULT_INDEX"] == "https://file/simple"
    assert found["UV_INDEX"] == "https://x https://y"
    assert asked(PIP_CONFIG_FILE=str(path), PIP_INDEX_URL="https://v")["UV_DEFAULT_INDEX"] == (
        "https://v"
    )


def test_a_broken_pip_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text("index-url: [nonsense")
    assert "UV_DEFAULT_INDEX" not in asked(PIP_CONFIG_FILE=str(path))


def test_another_environments_variables_stay_out() -> None:
    found = uv_environment({"VIRTUAL_ENV": "/x", "PYTHONPATH": "/y", "PATH": "/bin"})
    assert found.keys().isdisjoint({"VIRTUAL_ENV", "PYTHONPATH"})
    assert found["PATH"] == "/bin"


def test_pip_asks_where_uv_was_told_to() -> None:
    options = ("--extra-index-url https://me:pw@e/simple", "--no-index", "--pre")
    found = pip_environment(options, {"UV_DEFAULT_INDEX": "https://u", "PIP_EXTRA_INDEX_URL": "x"})
    assert found["PIP_INDEX_URL"] == "https://u"
    assert found["PIP_EXTRA_INDEX_URL"] == "x https://me:pw@e/simple"
    assert found["PIP_NO_INDEX"] == "1"


def test_passwords_are_hidden() -> None:
    text = "Looking at https://me:hunter2@example.org/simple and https://example.org:8080/x"
    assert without_passwords(text) == (
        "Looking at https://me:****@example.org/simple and https://example.org:8080/x"
    )
