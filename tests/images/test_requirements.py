"""Conda and pip entries become requirements that an installer can meet."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.configs.records import CondaSpec
from backends.errors import InvalidInput
from backends.images.requirements import Requirements, hold_numpy, read_requirements


def read(*packages: str, pip: tuple[str, ...] = (), folder: Path = Path()) -> Requirements:
    return read_requirements(CondaSpec(packages=packages, pip=pip), folder)


@pytest.mark.parametrize(
    ("entry", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.19", "numpy==1.19.*"),
        ("numpy==1.19.2", "numpy==1.19.2"),
        ("numpy=1.19.*", "numpy==1.19.*"),
        ("numpy=1.19.2=py38_0", "numpy==1.19.2"),
        ("numpy 1.19.2 py38_0", "numpy==1.19.2"),
        ("numpy 1.19.*", "numpy==1.19.*"),
        ("numpy >=1.16,<2", "numpy>=1.16,<2"),
        ("numpy>=1.16.*", "numpy>=1.16"),
        ("numpy!=1.17.*", "numpy!=1.17.*"),
        ("numpy=*", "numpy"),
        ("numpy=2.0.0rc1", "numpy==2.0.0rc1"),
        ("conda-forge::numpy=1.19", "numpy==1.19.*"),
        ("numpy[version='>=1.2,<1.9']", "numpy>=1.2,<1.9"),
        ("Scikit_Learn=0.24", "scikit-learn==0.24.*"),
        ("pytorch=2.1", "torch==2.1.*"),
        ("py-xgboost", "xgboost"),
        ("opencv", "opencv-python-headless"),
        ("msgpack-python", "msgpack"),
        ("tensorflow-gpu=2.4.1", "tensorflow==2.4.1.*"),
        ("librosa", "librosa"),
    ],
)
def test_a_conda_entry_is_said_in_pips_words(entry: str, requirement: str) -> None:
    assert read(entry).packages == [requirement]


@pytest.mark.parametrize(
    "entry", ["cudatoolkit=11.3", "libgcc-ng", "_openmp_mutex", "mkl", "gcc_linux-64", "r-base=4.1"]
)
def test_what_is_not_python_is_dropped_with_a_note(entry: str) -> None:
    found = read(entry)
    assert found.packages == []
    (note,) = found.notes
    assert note.startswith(entry)


def test_pip_itself_is_no_requirement_and_no_news() -> None:
    assert read("pip=20.2", "pip").notes == []


def test_a_build_string_is_dropped_with_a_note() -> None:
    (note,) = read("numpy=1.19.2=py38h54aff64_0").notes
    assert "py38h54aff64_0" in note


@pytest.mark.parametrize("entry", ["azureml-defaults>=1.0.45", "azureml-sdk[automl]", "azureml"])
def test_azure_packages_give_way_to_our_server(entry: str) -> None:
    for found in (read(entry.removesuffix("[automl]")), read(pip=(entry,))):
        assert found.packages == []
        assert "scoring server takes its place" in found.notes[0]


def test_the_python_pin_is_kept_apart() -> None:
    found = read("python=3.6.2", "numpy")
    assert (found.python, found.packages) == ("==3.6.2.*", ["numpy"])


def test_pip_entries_are_kept_and_wrong_names_corrected() -> None:
    entries = (
        "inference-schema[numpy-support]",
        "sklearn",
        "pandas==1.1.5  # frozen",
        "joblib; python_version >= '3.6'",
        "https://example.org/pkg-1.0-py3-none-any.whl",
        "git+https://example.org/repo.git@main#egg=pkg",
        "  # a comment",
    )
    assert read(pip=entries).packages == [
        "inference-schema[numpy-support]",
        "scikit-learn",
        "pandas==1.1.5",
        'joblib; python_version >= "3.6"',
        "https://example.org/pkg-1.0-py3-none-any.whl",
        "git+https://example.org/repo.git@main#egg=pkg",
    ]


def test_pip_options_are_kept_or_named(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    entries = (
        "--extra-index-url https://example.org/simple",
        "-i=https://example.org/main",
        "-f ./wheels",
        "--pre",
        "--use-feature=2020-resolver",
    )
    found = read(pip=entries, folder=tmp_path)
    assert found.options == [
        "--extra-index-url https://example.org/simple",
        "--index-url https://example.org/main",
        f"--find-links {tmp_path / 'wheels'}",
        "--pre",
    ]
    assert "--use-feature" in found.notes[0]


def test_a_requirements_file_is_read_from_beside_the_conda_file(tmp_path: Path) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps" / "base.txt").write_text("six==1.16.0 \\\n  --hash=sha256:abc\n# no\n")
    (tmp_path / "deps" / "all.txt").write_text("-r base.txt\nazureml-core\nwheel\n")
    found = read(pip=("-r deps/all.txt",), folder=tmp_path)
    assert found.packages == ["six==1.16.0", "wheel"]


def test_files_that_include_each_other_end_with_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r a.txt\n")
    with pytest.raises(InvalidInput, match="in a ring"):
        read(pip=("-r a.txt",), folder=tmp_path)


def test_a_local_wheel_belongs_to_the_environments_identity(tmp_path: Path) -> None:
    path = tmp_path / "own-1.0-py3-none-any.whl"
    path.write_bytes(b"one")
    first = read(pip=("./own-1.0-py3-none-any.whl",), folder=tmp_path)
    path.write_bytes(b"two")
    second = read(pip=("own-1.0-py3-none-any.whl",), folder=tmp_path)
    assert first.packages == second.packages == [str(path)]
    assert first.contents != second.contents


@pytest.mark.parametrize(
    ("packages", "pip", "word"),
    [
        (("?!",), (), "?!"),
        (("numpy=>x y z",), (), "numpy"),
        ((), ("not a requirement",), "not a requirement"),
        ((), ("-r nowhere.txt",), "nowhere.txt"),
        ((), ("./nowhere.whl",), "nowhere.whl"),
        ((), ("/",), "no Python project"),
        ((), ("six\n--index-url https://example.org",), "line break"),
    ],
)
def test_a_wrong_entry_is_named(
    packages: tuple[str, ...], pip: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(*packages, pip=pip, folder=tmp_path)
    assert word in caught.value.what
    assert caught.value.fix


WORDS = [
    "numpy",
    "-r",
    "-e",
    "-f",
    "./",
    "a.whl",
    "=",
    "==",
    ">=",
    "1.2",
    "*",
    "|",
    ",",
    "::",
    "[",
    "]",
    "version='>=1'",
    "#",
    "é",
    "python",
    "--",
    "~",
    "https://",
    "@",
    ";",
    "/",
    "_",
    "azureml-",
    "sklearn",
    ".txt",
]
pieces = st.sampled_from([*WORDS, " ", "\0", "\n"])
entries = st.lists(pieces, max_size=8).map("".join) | st.text(max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(packages=st.lists(entries, max_size=3), pip=st.lists(entries, max_size=3))
def test_whatever_is_written_it_is_requirements_or_an_error_of_ours(
    packages: list[str], pip: list[str], tmp_path: Path
) -> None:
    with contextlib.suppress(InvalidInput):
        hold_numpy(read(*packages, pip=tuple(pip), folder=tmp_path))


@pytest.mark.parametrize(
    ("entries", "held"),
    [
        (("scikit-learn==1.0.2",), True),
        (("scikit-learn==1.5.2",), False),
        (("scikit-learn==1.0.2", "numpy==1.21"), False),
        (("scikit-learn==1.0.2", "numpy"), True),
        (("scikit-learn",), False),
        (("pandas==1.3.*",), True),
    ],
)
def test_numpy_1_is_kept_for_wheels_that_need_it(entries: tuple[str, ...], held: bool) -> None:
    found = read(pip=entries)
    hold_numpy(found)
    assert ("numpy<2" in found.packages) is held
