"""Small service images for tests of the Docker driver: Python, our server, and one app root.

They are laid out as the driver expects: the server's programs in `/opt/pilothouse/bin`, the app in
`/var/azureml-app`. What the product builds for real is tested where it is built.
"""

import contextlib
import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import docker.errors

from tests.support.containers import IMAGE, client

ROOT = Path(__file__).parents[2]
LABEL = "pilothouse.tests.image"
_KEPT = "1h"
"""Images of earlier runs that are older are removed."""
_START = "#!/usr/local/bin/python -S\nimport sys\nsys.path.append('/opt/pilothouse/lib')\n"
_SERVE = f"{_START}from backends.scoring.__main__ import main\nmain()\n"
_CONTROL = f"{_START}from backends.scoring.control import main\nmain()\n"
_ROUTER = f"{_START}from backends.scoring.router.__main__ import main\nmain()\n"
_SERVER = f"""\
FROM {IMAGE}
COPY server /opt/pilothouse
RUN useradd --uid 10001 pilothouse && chmod 755 /opt/pilothouse/bin/* \\
 && python -m compileall -q /opt/pilothouse/lib
USER 10001:10001
"""


def service_image(app: Path) -> str:
    """Id of an image with the app root of a service."""
    dockerfile = f"FROM {server_image()}\nCOPY app /var/azureml-app\n"
    return _build(_archive({"Dockerfile": dockerfile.encode()}, app))


@cache
def server_image() -> str:
    """Tag of the image that holds our server; made once for the same sources."""
    files = dict(_server_files())
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + data)
    tag = f"pilothouse-test-server:{digest.hexdigest()[:16]}"
    with client() as engine:
        with contextlib.suppress(docker.errors.APIError):  # another run of tests prunes now
            engine.prune_images(filters={"dangling": False, "label": [LABEL], "until": _KEPT})
        if not engine.images(name=tag):
            _build(_archive({"Dockerfile": _SERVER.encode(), **files}), tag=tag)
    return tag


def _server_files() -> Iterator[tuple[str, bytes]]:
    import httptools
    import uvloop

    yield "server/bin/pilothouse-serve", _SERVE.encode()
    yield "server/bin/pilothouse-control", _CONTROL.encode()
    yield "server/bin/pilothouse-router", _ROUTER.encode()
    yield "server/lib/backends/__init__.py", b""
    for module in (httptools, uvloop):
        assert module.__file__ is not None
        folder = Path(module.__file__).parent
        yield from _tree(folder, f"server/lib/{folder.name}")
    yield from _tree(ROOT / "backends" / "scoring", "server/lib/backends/scoring")


def _tree(folder: Path, place: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".so", ".json"}:
            yield f"{place}/{path.relative_to(folder)}", path.read_bytes()


def _archive(files: dict[str, bytes], app: Path | None = None) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
        if app is not None:
            tar.add(app, "app")
    buffer.seek(0)
    return buffer


def _build(archive: io.BytesIO, *, tag: str = "") -> str:
    said: list[Any] = []
    found = ""
    with client() as engine:
        lines = engine.build(
            fileobj=archive,
            custom_context=True,
            tag=tag or None,
            rm=True,
            forcerm=True,
            decode=True,
            labels={LABEL: "1"},
        )
        for line in lines:
            said.append(line)
            found = (line.get("aux") or {}).get("ID") or found  # its tag is made after this
    assert found, said
    return found
