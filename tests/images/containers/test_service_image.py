"""Service images: models and source on an environment that stays as it is."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from backends.errors import Refused
from backends.images.containers import names
from backends.images.containers.records import Image
from backends.images.containers.service_image import environment_below
from tests.support.containers import asked, needs_engine
from tests.support.imagebuilds import (
    answer,
    built,
    bundled,
    engine,
    left_over,
    planned,
    running,
    serviced,
    specified,
)

pytestmark = [needs_engine(), pytest.mark.timeout(300)]
BIG = 33 << 20


@pytest.fixture(scope="module")
def environment(wheels: Path) -> Image:
    """One environment for all of them."""
    plan = planned("--no-index", f"--find-links {wheels}", "harbour==1.0")
    image, _ = asyncio.run(built(plan))
    return image


async def layers(image: str) -> list[str]:
    """Digests of its layers, the base's first."""
    facts = await asked(lambda c: c.inspect_image(image))
    found: list[str] = facts["RootFS"]["Layers"]
    return found


async def test_a_new_version_adds_layers_to_the_same_environment(
    environment: Image, tmp_path: Path
) -> None:
    first = await serviced(environment, specified(bundled(tmp_path / "1"), "layers"))
    changed = bundled(tmp_path / "2", models={"model.txt": b"2"})
    second = await serviced(environment, specified(changed, "layers", 2))
    below = await layers(environment.id)
    for image in (first, second):
        assert (await layers(image.id))[:-1] == below
    assert first.reference != second.reference
    assert first.reference.startswith("pilothouse/layers-svc:r1-")
    assert left_over() == []


async def test_big_models_are_sent_once_for_many_revisions(
    environment: Image, tmp_path: Path
) -> None:
    files = {"model.bin": os.urandom(BIG)}
    digest = os.urandom(16).hex()
    one = specified(bundled(tmp_path / "1", models=files), "big", 1, digest)
    first = await serviced(environment, one)
    other = bundled(tmp_path / "2", script="def run(d): return 2\n", models=files)
    second = await serviced(environment, specified(other, "big", 2, digest))
    assert (await layers(first.id))[:-1] == (await layers(second.id))[:-1]
    assert (await layers(first.id))[-1] != (await layers(second.id))[-1]


async def test_the_same_revision_is_not_made_twice(environment: Image, tmp_path: Path) -> None:
    spec = specified(bundled(tmp_path / "app"), "same")
    first = await serviced(environment, spec)
    second = await serviced(environment, spec)
    assert (first.cached, second.cached, second.id) == (False, True, first.id)


async def test_labels_tell_title_version_models_packages_and_environment(
    environment: Image, tmp_path: Path
) -> None:
    spec = specified(bundled(tmp_path / "app"), "labels", 7, "abc123")
    image = await serviced(environment, spec)
    assert image.labels["org.opencontainers.image.title"] == "svc"
    assert image.labels["org.opencontainers.image.version"] == "7"
    assert json.loads(image.labels["pilothouse/models"]) == {"m:1": "abc123"}
    assert "harbour==1.0" in image.labels["pilothouse/packages"]
    assert image.labels[names.IMAGE] == names.SERVICE
    async with engine() as found:
        below = await environment_below(found, image.reference, "")
    assert below is not None
    assert below.id == environment.id


async def test_any_file_name_arrives_and_only_the_server_writes_its_state(
    environment: Image, tmp_path: Path
) -> None:
    odd = ["a b", "é", "-rf", "new\nline", "$(x)", "x" * 150, os.fsdecode(b"\xff")]
    script = (
        "import os\ndef init(): pass\ndef run(data):\n"
        "    root = os.environ['AZUREML_MODEL_DIR']\n"
        "    return {'names': sorted(ascii(n) for n in os.listdir(root)),\n"
        "            'app': os.access('/var/azureml-app', os.W_OK),\n"
        "            'linked': open('link').read(),\n"
        "            'state': os.access('/var/pilothouse', os.W_OK)}\n"
    )
    bundle = bundled(tmp_path / "app", script, dict.fromkeys(odd, b"x"))
    (bundle / "link").symlink_to("azureml-models/m/1/a b")
    image = await serviced(environment, specified(bundle, "odd"))
    async with running(image.reference) as url:
        said = await answer(url)
    expected = sorted(ascii(name) for name in odd)
    assert said == {"names": expected, "app": False, "linked": "x", "state": True}


async def test_a_link_that_leaves_the_bundle_is_refused(environment: Image, tmp_path: Path) -> None:
    bundle = bundled(tmp_path / "app")
    (bundle / "secret").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="is a link that leaves"):
        await serviced(environment, specified(bundle, "links"))
    assert left_over() == []


async def test_a_pipe_in_the_bundle_is_refused(environment: Image, tmp_path: Path) -> None:
    bundle = bundled(tmp_path / "app")
    os.mkfifo(bundle / "pipe")
    with pytest.raises(Refused, match="a device, a pipe or a socket"):
        await serviced(environment, specified(bundle, "pipes"))
