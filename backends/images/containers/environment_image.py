"""Environment images: base, packages and Docker steps, then the scoring server on top.

The packages come below the server, so that a newer server never installs them again; models and
source come above both (`service_image`).
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from backends.configs.records import ImageRegistry
from backends.engines.engine import Engine
from backends.errors import BuildFailed
from backends.images.container_plan import ContainerPlan
from backends.images.containers import names
from backends.images.containers.bases import base_image, pull, python_bases
from backends.images.containers.builder import build_dockerfile
from backends.images.containers.dockerfile import parse_dockerfile
from backends.images.containers.inputs import Inputs, build_inputs, input_entries
from backends.images.containers.installing import OWN_FOLDER, RESULT, install_failure, install_layer
from backends.images.containers.layers import Archive, StepFailed, make_layer
from backends.images.containers.records import Image, StepFinished, StepStarted
from backends.images.containers.server import ServerImage, server_image, server_key, server_python
from backends.images.containers.steps import StepRunner
from backends.images.containers.store import find_image
from backends.images.containers.tars import tar_of
from backends.images.containers.workroom import Workroom, furnish, workroom
from backends.images.environment import EnvironmentPlan
from backends.images.indexes import without_passwords
from backends.images.venv import BuildLine

Item = BuildLine | StepStarted | StepFinished

SERVED = """FROM {packages}
COPY --from={server} {root} {root}
ENV HOME=/tmp AML_APP_ROOT={app}{path}
WORKDIR {app}
EXPOSE {port}
USER {user}:{user}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=600s --retries=3 \
CMD ["{root}/bin/pilothouse-control", "health"]
ENTRYPOINT ["{root}/bin/pilothouse-serve"]
CMD ["--launch", "{state}/launch.json"]
"""
"""What stands above the packages."""


async def build_environment(
    engine: Engine, plan: EnvironmentPlan
) -> AsyncGenerator[Item | Image, None]:
    """The environment's image on the engine, made unless it is there; ends with it.

    Closing the generator ends what it started and clears it away.

    Raises:
        BuildFailed: a step failed; the sentence holds the line that tells why.
        PilothouseError: the engine refused or could not be reached.
    """
    key = server_key(server_python(await python_bases(engine)))
    known = await find_image(engine, names.environment_tag(plan.key, key))
    if known is not None:
        yield known
        return
    _check_steps(plan)
    inputs = build_inputs()
    for note in inputs.notes:
        yield BuildLine(note)
    async with workroom(engine) as room:
        build = _Build(engine=engine, plan=plan, inputs=inputs, room=room)
        async with contextlib.aclosing(build.run()) as items:
            async for item in items:
                yield item


_DOCKERFILE, _STEPS = "the base Dockerfile", "the extra Docker steps"
_NONE = Image(id="", reference="")
_NO_SERVER = ServerImage(reference="", key="", python="")


@dataclass(slots=True, kw_only=True)
class _Build:
    """One build; `run` it once."""

    engine: Engine
    plan: EnvironmentPlan
    inputs: Inputs
    room: Workroom
    server: ServerImage = _NO_SERVER
    image: Image = _NONE
    """What the steps have made so far."""

    @property
    def container(self) -> ContainerPlan:
        """The plan's part for containers."""
        return self.plan.container or ContainerPlan()

    async def run(self) -> AsyncGenerator[Item | Image, None]:
        """All steps; ends with the image."""
        for number, (title, work) in enumerate(await self._steps(), start=1):
            yield StepStarted(number=number, title=title)
            began, size = time.monotonic(), self.image.size
            async with contextlib.aclosing(work()) as lines:
                async for line in lines:
                    yield BuildLine(without_passwords(line.text))
            yield StepFinished(
                number=number,
                title=title,
                seconds=time.monotonic() - began,
                size=max(0, self.image.size - size),
            )
        yield self.image

    async def _steps(self) -> list[tuple[str, Callable[[], AsyncGenerator[BuildLine, None]]]]:
        server = ("the server's own image", self._server)
        packages = await find_image(self.engine, names.packages_tag(self.plan.key))
        if packages is None:
            steps = [("base image", self._base), server, (_what(self.plan), self._install)]
            steps += [("extra Docker steps", self._docker_steps)] if self.container.steps else []
        else:
            self.image, steps = packages, [server]
        return [*steps, ("scoring server", self._with_server)]

    async def _server(self) -> AsyncGenerator[BuildLine, None]:
        if self.server is not _NO_SERVER:
            return
        async with contextlib.aclosing(server_image(self.engine, self.inputs, self.room)) as items:
            async for item in items:
                if isinstance(item, BuildLine):
                    yield item
                else:
                    self.server = item
        passed = input_entries(self.inputs, self.plan)
        archive = Archive(folder=names.INPUTS, pieces=lambda: tar_of(passed))
        async with contextlib.aclosing(
            furnish(self.engine, self.room, self.server.reference, archive)
        ) as lines:
            async for line in lines:
                yield line

    async def _base(self) -> AsyncGenerator[BuildLine, None]:
        if self.container.base_dockerfile:
            async with contextlib.aclosing(self._server()) as lines:  # its RUNs use the tools
                async for line in lines:
                    yield line
            runner = self._runner(_DOCKERFILE, from_allowed=True)
            work = runner.run(parse_dockerfile(self.container.base_dockerfile, runner.what))
        else:
            work = base_image(self.engine, self.plan)
        reference = ""
        async with contextlib.aclosing(work) as items:
            async for item in items:
                if isinstance(item, str):
                    reference = item
                else:
                    yield item
        self.image = await self._found(reference)
        yield BuildLine(f"{reference} ({self.image.size / 1e6:.0f} MB)")

    async def _install(self) -> AsyncGenerator[BuildLine, None]:
        tag = "" if self.container.steps else names.packages_tag(self.plan.key)
        base = self.image
        layer = install_layer(
            self.plan, self.inputs, self.room, base=base, server=self.server, tag=tag
        )
        try:
            async with contextlib.aclosing(make_layer(self.engine, layer)) as items:
                async for item in items:
                    if isinstance(item, Image):
                        self.image = item
                    elif not item.text.startswith(RESULT):
                        yield item
        except StepFailed as error:
            raise await install_failure(self.plan, base, error) from error

    async def _docker_steps(self) -> AsyncGenerator[BuildLine, None]:
        runner = self._runner(_STEPS, from_allowed=False)
        instructions = parse_dockerfile(self.container.steps, runner.what)
        made = self.image.id
        async with contextlib.aclosing(runner.run(instructions, made)) as items:
            async for item in items:
                if isinstance(item, str):
                    made = item
                else:
                    yield item
        tag = names.packages_tag(self.plan.key)
        repository, _, name = tag.rpartition(":")
        await self.engine.call("name an image", lambda client: client.tag(made, repository, name))
        self.image = await self._found(tag)

    async def _with_server(self) -> AsyncGenerator[BuildLine, None]:
        own = self.image.labels.get(OWN_FOLDER, "")
        text = SERVED.format(
            packages=self.image.reference,
            server=self.server.reference,
            root=names.SERVER_ROOT,
            app=names.APP_ROOT,
            state=names.STATE,
            port=names.PORT,
            user=names.USER_ID,
            path=f' PATH="{own}:$PATH"' if own else "",
        )
        labels = {
            names.IMAGE: names.ENVIRONMENT,
            names.LAYER: "",
            names.MADE: f"{time.time():.0f}",
            names.ENVIRONMENT_KEY: self.plan.key,
        }
        tag = names.environment_tag(self.plan.key, self.server.key)
        built = build_dockerfile(self.engine, text, tag=tag, labels=labels)
        async with contextlib.aclosing(built) as items:
            async for item in items:
                if isinstance(item, Image):
                    self.image = item
                elif "COPY" in item.text:
                    yield item

    def _runner(self, what: str, *, from_allowed: bool) -> StepRunner:
        return StepRunner(
            engine=self.engine,
            room=self.room,
            inputs=self.inputs,
            context=self.container.context,
            what=what,
            base=self._from if from_allowed else None,
        )

    async def _from(self, reference: str) -> AsyncGenerator[BuildLine | str, None]:
        """An image that a FROM names."""
        if reference != "scratch" and await find_image(self.engine, reference) is None:
            registry = self.container.registry or ImageRegistry()
            async with contextlib.aclosing(pull(self.engine, reference, registry)) as lines:
                async for line in lines:
                    yield line
        yield reference

    async def _found(self, reference: str) -> Image:
        found = await find_image(self.engine, reference)
        if found is None:
            raise BuildFailed(f"The engine has lost the image {reference}.", fix="Try again.")
        return found


def _check_steps(plan: EnvironmentPlan) -> None:
    """What is no Dockerfile is said before anything is built."""
    if plan.container is not None:
        parse_dockerfile(plan.container.base_dockerfile, _DOCKERFILE)
        parse_dockerfile(plan.container.steps, _STEPS)


def _what(plan: EnvironmentPlan) -> str:
    count = len(plan.requirements)
    return f"{count} package{'s' if count != 1 else ''}"
