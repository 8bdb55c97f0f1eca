"""Base images as users have them: without a Python, without anything, with an old one, conda."""

import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.containers import IMAGE, client

LABEL = "pilothouse.tests.image"
_NO_PYTHON = f"FROM {IMAGE}\nRUN rm -rf /usr/local/bin/* /usr/local/lib/*python*\n"
_OLD_PYTHON = f"""\
FROM {IMAGE}
RUN rm -rf /usr/local/bin/* /usr/local/lib/*python*
COPY python /usr/local
RUN ln -sf python3.6 /usr/local/bin/python && ldconfig
"""
_CONDA = f"""\
FROM {IMAGE}
RUN mkdir -p /opt/conda && cp -a /usr/local/bin /usr/local/lib /opt/conda/ \\
 && rm -rf /usr/local/bin/* /usr/local/lib/*python*
COPY conda /opt/conda/bin/conda
ENV PATH=/opt/conda/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/opt/conda/lib
"""
_OFFLINE_CONDA = b"""#!/bin/sh
echo "Collecting package metadata (repodata.json): failed"
echo "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.anaconda.org/conda-forge>"
exit 1
"""


@cache
def no_python() -> str:
    """Debian without any Python."""
    return _built("no-python-1", _NO_PYTHON, {})


@cache
def bare() -> str:
    """No shell, no C library, nothing but one file."""
    tag = "pilothouse-test-base:bare-1"
    with client() as engine:
        if not engine.images(name=tag):
            engine.import_image_from_data(
                _tar({"etc/hostname": b"bare\n"}).getvalue(),
                repository=tag.partition(":")[0],
                tag="bare-1",
                changes=[f"LABEL {LABEL}=1"],
            )
    return tag


@cache
def python36() -> str:
    """CPython 3.6 in /usr/local, and no other."""
    folder = next(Path.home().glob(".pyenv/versions/3.6.*"), None)
    if folder is None:
        pytest.skip("no CPython 3.6 below ~/.pyenv/versions")
    return _built("python36-1", _OLD_PYTHON, {}, dict(_python(folder)))


@cache
def conda() -> str:
    """CPython 3.11 and a conda that reaches no channel, in /opt/conda."""
    return _built("conda-1", _CONDA, {"conda": _OFFLINE_CONDA})


def _python(folder: Path) -> Iterator[tuple[str, Path]]:
    for part in ("bin", "lib"):
        for path in sorted((folder / part).rglob("*")):
            inside = path.relative_to(folder).parts
            skipped = {"test", "__pycache__", "site-packages"} & set(inside)
            if path.is_file() and not skipped and path.suffix != ".a":
                yield f"python/{path.relative_to(folder)}", path


def _built(
    name: str, dockerfile: str, files: dict[str, bytes], paths: dict[str, Path] | None = None
) -> str:
    tag = f"pilothouse-test-base:{name}"
    with client() as engine:
        if engine.images(name=tag):
            return tag
        context = _tar({"Dockerfile": dockerfile.encode(), **files}, paths or {})
        said = list(
            engine.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                decode=True,
                labels={LABEL: "1"},
            )
        )
        assert engine.images(name=tag), said
    return tag


def _tar(files: dict[str, bytes], paths: dict[str, Path] | None = None) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        for name, path in (paths or {}).items():
            tar.add(path, name)
    buffer.seek(0)
    return buffer
