"""Environment images: built once, each step told, failures named, nothing of a build kept."""

import asyncio
import base64
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.errors import BuildFailed, InvalidInput
from backends.images.containers import names
from backends.images.containers.environment_image import build_environment
from backends.images.containers.records import StepFinished, StepStarted
from backends.images.environment import plan_environment
from backends.images.venv import BuildLine
from tests.support.containers import IMAGE, asked, client, needs_engine
from tests.support.imagebuilds import built, engine, left_over, planned
from tests.support.packageindex import package_index
from tests.support.wheels import wheel

pytestmark = [needs_engine(), pytest.mark.timeout(300)]
SECRET = "s3cr3t-" + base64.b32encode(b"index password").decode().strip("=")


async def test_an_environment_is_built_once_and_its_packages_are_listed(
    index: tuple[str, str],
) -> None:
    plan = planned(*index, "harbour==2.0")
    first, lines = await built(plan)
    assert any("harbour" in line for line in lines)
    assert "harbour==2.0" in first.labels["pilothouse/packages"].split(",")
    assert first.labels[names.ENVIRONMENT_KEY] == plan.key
    second, lines = await built(plan)
    assert (second.id, second.cached, lines) == (first.id, True, [])
    facts = await asked(lambda c: c.inspect_image(first.id))
    assert facts["Config"]["User"] == f"{names.USER_ID}:{names.USER_ID}"
    assert facts["Config"]["WorkingDir"] == "/var/azureml-app"
    assert facts["Config"]["Healthcheck"]["Test"] == [
        "CMD",
        "/opt/pilothouse/bin/pilothouse-control",
        "health",
    ]


async def test_steps_tell_their_time_and_bytes(index: tuple[str, str], tmp_path: Path) -> None:
    steps = "RUN head -c 3000000 /dev/urandom > /big\n"
    plan = planned(*index, "harbour==1.0", steps=steps, source=tmp_path)
    started, finished = [], {}
    async with engine() as found, aclosing(build_environment(found, plan)) as items:
        async for item in items:
            if isinstance(item, StepStarted):
                started.append(item.title)
            elif isinstance(item, StepFinished):
                finished[item.title] = item
    assert list(finished) == started
    assert 3_000_000 <= finished["extra Docker steps"].size < 3_500_000
    assert finished["extra Docker steps"].seconds > 0


async def test_a_no_code_service_gets_its_runtime_in_the_users_python() -> None:
    plan = plan_environment(
        None,
        Path(),
        builtin="onnx",
        framework_version="",
        lookup=lambda *_: None,
        containers=True,
    )
    image, _ = await built(plan)
    assert "onnxruntime==" in image.labels["pilothouse/packages"]
    assert image.labels[names.INTERPRETER] == "/usr/local/bin/python"


async def test_extra_steps_run_after_the_packages_in_their_order(
    index: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept.txt").write_text("kept")
    (tmp_path / "data" / "left.log").write_text("left out")
    (tmp_path / ".dockerignore").write_text("**/*.log\n")
    steps = (
        "# a comment\nARG COLOUR=blue\nENV SHADE=dark\nCOPY data /data\n"
        "RUN python -c 'import harbour' && \\\n    echo $SHADE $COLOUR $(ls /data) > /said\n"
        'RUN ["/bin/sh", "-c", "id -u >> /said"]\nUSER nobody\nRUN id -un > /tmp/who\nUSER root\n'
    )
    image, lines = await built(planned(*index, "harbour", steps=steps, source=tmp_path))
    assert await content(image.id, "/said") == "dark blue kept.txt\n0\n"
    assert await content(image.id, "/tmp/who") == "nobody\n"
    assert any(line.startswith("RUN python -c") for line in lines)
    assert left_over() == []


async def test_a_step_that_fails_is_named_with_its_line_and_what_it_said(
    index: tuple[str, str], tmp_path: Path
) -> None:
    steps = "RUN true\n\nRUN echo one; ls /no/such/place; exit 7\nRUN true\n"
    with pytest.raises(BuildFailed) as caught:
        await built(planned(*index, "harbour", steps=steps, source=tmp_path))
    assert "(line 3 of the extra Docker steps) ended with exit code 7" in caught.value.what
    assert "No such file or directory" in caught.value.what
    assert "one" in caught.value.detail
    assert left_over() == []


async def test_a_copy_that_fails_is_named(index: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"COPY nowhere /x failed: .*nowhere"):
        await built(planned(*index, "harbour", steps="COPY nowhere /x\n", source=tmp_path))
    with pytest.raises(BuildFailed, match=r"COPY \.\./etc /x failed"):
        await built(planned(*index, "harbour", steps="COPY ../etc /x\n", source=tmp_path))


async def test_what_only_buildkit_has_is_refused_before_anything_is_built(
    index: tuple[str, str], tmp_path: Path
) -> None:
    steps = "RUN --mount=type=secret,id=x cat /run/secrets/x\n"
    with pytest.raises(InvalidInput, match=r"Line 1 of the extra Docker steps .* BuildKit"):
        await built(planned(*index, "harbour==1.0", steps=steps, source=tmp_path))


async def test_a_base_dockerfile_with_several_stages_is_followed(
    index: tuple[str, str], tmp_path: Path
) -> None:
    dockerfile = (
        f"ARG BASE={IMAGE}\nFROM ${{BASE}} AS made\nRUN echo built > /artefact\n"
        f"FROM ${{BASE}}\nCOPY --from=made /artefact /artefact\nENV MADE=yes\n"
    )
    image, _ = await built(planned(*index, "harbour", dockerfile=dockerfile, source=tmp_path))
    assert await content(image.id, "/artefact") == "built\n"
    facts = await asked(lambda c: c.inspect_image(image.id))
    assert "MADE=yes" in facts["Config"]["Env"]


async def test_a_package_that_does_not_exist_is_named_and_nothing_is_left(
    index: tuple[str, str],
) -> None:
    with pytest.raises(BuildFailed, match="no-such-harbour"):
        await built(planned(*index, "no-such-harbour"))
    assert left_over() == []


async def test_a_build_that_is_no_longer_wanted_ends(
    index: tuple[str, str], tmp_path: Path
) -> None:
    plan = planned(*index, "harbour", steps="RUN echo begun; sleep 600\n", source=tmp_path)
    async with engine() as found, aclosing(build_environment(found, plan)) as items:
        async with asyncio.timeout(60):
            async for item in items:
                if isinstance(item, BuildLine) and item.text == "begun":
                    break
    assert left_over() == []


async def test_a_build_whose_task_is_cancelled_ends(index: tuple[str, str], tmp_path: Path) -> None:
    plan = planned(*index, "harbour", steps="RUN echo begun2; sleep 601\n", source=tmp_path)
    begun = asyncio.Event()

    async def follow() -> None:
        async with engine() as found, aclosing(build_environment(found, plan)) as items:
            async for item in items:
                if isinstance(item, BuildLine) and item.text == "begun2":
                    begun.set()

    task = asyncio.ensure_future(follow())
    async with asyncio.timeout(60):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_over() == []


async def test_nothing_that_is_passed_to_a_build_is_in_the_image_or_its_history(
    index: tuple[str, str],
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(f"-----BEGIN {SECRET}-----\n")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"https://me:{SECRET}@packages.invalid/simple")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{SECRET}@proxy.invalid:3128")
    monkeypatch.setenv("PIP_CERT", str(authorities))
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
    steps = (
        f"RUN echo $PIP_EXTRA_INDEX_URL | grep -q {SECRET}\n"
        f"RUN echo $HTTP_PROXY | grep -q {SECRET} && grep -q {SECRET} $REQUESTS_CA_BUNDLE\n"
    ).replace(SECRET, SECRET[:7])
    entry = f"--extra-index-url https://you:{SECRET}@also.invalid/simple"
    plan = planned(*index, entry, "harbour==2.0", steps=steps, source=tmp_path)
    image, lines = await built(plan)
    assert not [line for line in lines if SECRET in line]
    history = await asked(lambda c: json.dumps(c.history(image.id)))
    inspected = await asked(lambda c: json.dumps(c.inspect_image(image.id)))
    assert SECRET not in history
    assert SECRET not in inspected
    found = await asyncio.to_thread(lambda: sorted(holding(image.reference, SECRET.encode())))
    assert found == []
    assert left_over() == []


async def test_the_password_of_a_private_index_is_used_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path, "moorage", "1.0")
    with package_index(tmp_path, SECRET) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        (tmp_path / "src").mkdir()
        steps = "RUN python -m pip download --no-deps -d /pip moorage\n"
        plan = planned("moorage", steps=steps, source=tmp_path / "src")
        image, lines = await built(plan)
    assert "moorage==1.0" in image.labels["pilothouse/packages"]
    assert not [line for line in lines if SECRET in line]
    assert SECRET not in await asked(lambda c: json.dumps(c.history(image.id)))
    assert SECRET not in await asked(lambda c: json.dumps(c.inspect_image(image.id)))
    found = await asyncio.to_thread(lambda: sorted(holding(image.reference, SECRET.encode())))
    assert found == []


async def content(image: str, path: str) -> str:
    """A file of an image."""

    def read(found: object) -> str:
        with client() as c:
            made = c.create_container(image, command=["none"])["Id"]
            try:
                pieces, _ = c.get_archive(made, path)
                with tempfile.TemporaryFile() as file:
                    file.writelines(pieces)
                    file.seek(0)
                    with tarfile.open(fileobj=file) as tar:
                        member = tar.extractfile(tar.next())  # type: ignore[arg-type]  # one file
                        assert member is not None
                        return member.read().decode()
            finally:
                c.remove_container(made)

    return str(await asked(read))


def holding(image: str, secret: bytes) -> Iterator[str]:
    """Files of a saved image, all layers and its config, that hold some bytes."""
    with client() as found, tempfile.TemporaryFile() as file:
        file.writelines(found.get_image(image))
        file.seek(0)
        with tarfile.open(fileobj=file) as saved:
            for member in saved:
                inner = saved.extractfile(member)
                if inner is not None and secret in inner.read():  # layers are plain tars
                    yield member.name
