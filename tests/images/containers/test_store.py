"""Images of ours, and only ours: listed, removed, saved and loaded."""

import asyncio
import io
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.errors import InvalidInput, NotFound, Refused
from backends.images.containers import names
from backends.images.containers.records import Image
from backends.images.containers.store import (
    find_image,
    load_image,
    prune_images,
    remove_image,
    save_image,
    stored_images,
)
from tests.support.containers import IMAGE, asked, needs_engine
from tests.support.imagebuilds import built, bundled, engine, planned, running, serviced, specified

pytestmark = [needs_engine(), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def environment(wheels: Path) -> Image:
    """One environment for all of them."""
    plan = planned("--no-index", f"--find-links {wheels}", "harbour==1.0")
    image, _ = asyncio.run(built(plan))
    return image


async def test_images_are_listed_with_kind_size_and_what_uses_them(
    environment: Image, tmp_path: Path
) -> None:
    image = await serviced(environment, specified(bundled(tmp_path / "app"), "listed"))
    async with running(image.reference), engine() as found:
        listed = {one.reference: one for one in await stored_images(found)}
        assert len(listed[image.reference].used_by) == 1
        with pytest.raises(Refused, match="needed by a container"):
            await remove_image(found, image.reference)
    service, below = listed[image.reference], listed[environment.reference]
    assert (service.kind, service.workspace, service.title) == ("service", "listed", "svc")
    assert below.kind == "environment"
    assert service.size >= below.size > 0
    assert IMAGE not in listed


async def test_pruning_keeps_what_is_wanted_what_is_used_and_what_they_stand_on(
    environment: Image, tmp_path: Path
) -> None:
    bundles = [bundled(tmp_path / str(n), models={"m": b"%d" % n}) for n in (1, 2, 3)]
    images = [
        await serviced(environment, specified(bundle, "pruned", n))
        for n, bundle in enumerate(bundles, start=1)
    ]
    async with running(images[0].reference), engine() as found:
        wanted = {images[1].reference}
        would = await prune_images(found, wanted, "pruned", dry=True)
        assert images[2].reference in {one.reference for one in would}
        assert await find_image(found, images[2].reference) is not None
        gone = {one.reference for one in await prune_images(found, wanted, "pruned")}
        assert images[2].reference in gone
        assert not gone & {images[0].reference, images[1].reference, environment.reference}
        assert await find_image(found, environment.reference) is not None
        assert await find_image(found, IMAGE) is not None
        assert all(one.startswith("pilothouse/") or len(one) == 12 for one in gone)


async def test_an_image_of_somebody_else_is_never_removed() -> None:
    async with engine() as found:
        with pytest.raises(Refused, match="was not made by Pilothouse"):
            await remove_image(found, IMAGE)
        with pytest.raises(NotFound, match="pilothouse/none:1"):
            await remove_image(found, "pilothouse/none:1")


async def test_a_saved_image_is_loaded_again_with_its_name_and_labels(
    environment: Image, tmp_path: Path
) -> None:
    image = await serviced(environment, specified(bundled(tmp_path / "app"), "saved"))
    async with engine() as found:
        with (tmp_path / "saved.tar").open("wb") as out:
            async with aclosing(save_image(found, [image.reference])) as pieces:
                async for piece in pieces:
                    out.write(piece)
        await remove_image(found, image.reference)
        assert await find_image(found, image.reference) is None
        with (tmp_path / "saved.tar").open("rb") as source:
            said = [line async for line in load_image(found, source)]
        again = await find_image(found, image.reference)
    assert said == [f"Loaded image: {image.reference}"]
    assert again is not None
    assert again.labels[names.INTERPRETER] == image.labels[names.INTERPRETER]
    async with running(image.reference):
        pass


async def test_saving_what_is_not_there_and_loading_what_is_no_tar_is_said() -> None:
    async with engine() as found:
        with pytest.raises(NotFound, match="pilothouse/none:1"):
            [_ async for _ in save_image(found, ["pilothouse/none:1"])]
        with pytest.raises(InvalidInput, match="does not load it"):
            [_ async for _ in load_image(found, io.BytesIO(b"no tar at all" * 100))]


async def test_what_a_killed_build_left_is_swept_once_it_is_old() -> None:
    from backends.images.containers.store import sweep

    labels = {names.BUILDING: "yes"}
    made = await asked(lambda c: c.create_container(IMAGE, command=["true"], labels=labels))
    await asked(lambda c: c.create_volume("pilothouse-test-swept", labels=labels))
    async with engine() as found:
        assert await sweep(found) == 0
        assert await sweep(found, older=-60) >= 2
    ids = [one["Id"] for one in await asked(lambda c: c.containers(all=True))]
    assert made["Id"] not in ids
