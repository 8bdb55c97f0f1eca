"""What an image will be made of, as plans tell it."""

from msgspec.structs import replace

from backends.configs.records import ComputeType, DeploymentConfig
from backends.images.bundle import BundleSource
from backends.images.container_plan import ContainerPlan
from backends.images.environment import EnvironmentPlan
from backends.services.records import DeployRequest, Plan
from console.app.services.image_plan import image_facts
from tests.support.storedservices import spec


def plan(container: ContainerPlan | None, *requirements: str) -> Plan:
    environment = EnvironmentPlan(
        key="ab" * 32, python="3.9", requirements=requirements, container=container
    )
    return Plan(
        request=DeployRequest(),
        spec=spec(),
        kind="create",
        inference=None,
        deployment=DeploymentConfig(compute_type=ComputeType.LOCAL),
        source=BundleSource(),
        environment=environment,
        steps=(),
        changes=(),
        preflight=(),
        command="",
    )


def test_a_target_without_images_has_no_image() -> None:
    assert image_facts(plan(None)) == []
    assert image_facts(replace(plan(None), environment=None)) == []


def test_base_packages_and_size_are_told() -> None:
    wanted = plan(ContainerPlan(pinned=True), *(f"package-{n}==1.0" for n in range(9)))
    facts = dict(image_facts(wanted, 151_000_000))
    assert facts["base"] == "python:3.9-slim (Python 3.9, which the conda file pins)"
    assert facts["packages"].startswith("9: package-0==1.0, ")
    assert facts["packages"].endswith(" and 3 more")
    assert facts["size"] == "151 MB"
    assert "steps" not in facts


def test_a_base_image_with_docker_steps() -> None:
    container = ContainerPlan(
        base_image="edge/base:2",
        steps="# tools\nRUN apt-get update \\\n  && apt-get install x\nRUN y",
    )
    facts = dict(image_facts(plan(container)))
    assert facts["base"] == "edge/base:2"
    assert facts["packages"] == "none besides the server's"
    assert facts["steps"] == "2 Docker instructions after the packages"
    assert facts["size"] == "known once it is built"


def test_what_a_hostile_config_says_is_harmless() -> None:
    facts = image_facts(plan(ContainerPlan(base_image="a\x1b[2Jb\nc"), "x\x9b31m"))
    assert all(text.isprintable() for _, text in facts)
