"""The files of the form: read into it, shown as they will be, written back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from backends import paths
from backends.configs import building, documents
from backends.configs.conda import emit_conda, parse_conda
from backends.configs.deployment import emit_deployment, parse_deployment
from backends.configs.fields import DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS, INFERENCE_FIELDS
from backends.configs.inference import emit_inference, parse_inference
from backends.configs.nodes import Malformed
from backends.configs.records import CondaSpec, DeploymentConfig, InferenceConfig, Parsed
from backends.configs.report import Report
from backends.errors import InvalidInput
from backends.secrecy import repr_without
from console.app.wizard import texts
from console.app.wizard.form import Form, Part
from console.app.wizard.steps import Step

COVER = "••••"
"""Stands for a secret, whatever its length."""

Config = TypeVar("Config", InferenceConfig, DeploymentConfig, CondaSpec)


class Preview(Struct, frozen=True, kw_only=True):
    """A file as it will be written."""

    step: Step
    """The step that it belongs to."""
    path: Path
    shown: str
    """The path as a person typed it."""
    before: str | None
    """What is on disk; None when there is no such file. No secret is in it."""
    base: str
    """The same, laid out as `text` is: what line is compared to what line."""
    text: str
    """What will be; the secrets are covered or left out."""
    content: bytes
    """What is written, secrets included."""
    differs: bool
    """Saving would change the disk."""
    secret: bool
    """`content` holds secrets, which `text` does not."""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "content")

    @property
    def language(self) -> str:
        """`json` or `yaml`."""
        return "yaml" if self.path.suffix in {".yml", ".yaml"} else "json"


def read_inference(form: Form) -> Form:
    """The form filled from its inference config, and from the conda file that this names."""
    shown = form.get("inference_file")
    part, found = _read(form.folder / shown, shown, parse_inference)
    if part.text is None:
        return replace(form, inference=part)
    said = texts.inference_texts(found, part.config)
    form = form.typed(**said)
    return read_conda(replace(form, inference=_told(part, form, said)))


def read_deployment(form: Form) -> Form:
    """The form filled from its deployment config; the target follows the compute type."""
    shown = form.get("deployment_file")
    part, found = _read(form.folder / shown, shown, parse_deployment)
    if part.text is None:
        return replace(form, deployment=part)
    said = texts.deployment_texts(found, form.targets, form.get("target"))
    form = form.typed(**said)
    return replace(form, deployment=_told(part, form, said))


def read_conda(form: Form) -> Form:
    """The form filled from the conda file that it names."""
    shown = form.get("conda_file")
    if not shown:
        return form
    part, found = _read(conda_path(form), shown, parse_conda)
    if part.text is None:
        return replace(form, conda=part)
    said = texts.conda_texts(found)
    form = form.typed(**said)
    return replace(form, conda=_told(part, form, said))


def conda_path(form: Form) -> Path:
    """Where the conda file lies: relative to the source directory when there is one."""
    return form.folder / form.get("source_directory") / form.get("conda_file")


def previews(form: Form) -> tuple[Preview, ...]:
    """Every file that the form makes, in the order of the steps."""
    found = []
    inference = form.inference_config()
    if inference is not None:
        found.append(
            _preview(
                form, Step.INFERENCE, "inference_file", form.inference, inference, emit_inference
            )
        )
    spec = form.conda_spec()
    if spec is not None:
        text, read = emit_conda(spec), form.conda.config
        kept = form.conda.text if read == spec else None
        found.append(
            Preview(
                step=Step.ENVIRONMENT,
                path=conda_path(form),
                shown=form.get("conda_file"),
                before=form.conda.text,
                base=emit_conda(read) if read and kept is None else form.conda.text or "",
                text=kept or text,
                content=(kept or text).encode(),
                differs=kept is None,
                secret=False,
            )
        )
    deployment = form.deployment_config()
    found.append(
        _preview(
            form, Step.DEPLOYMENT, "deployment_file", form.deployment, deployment, emit_deployment
        )
    )
    return tuple(found)


def save(preview: Preview) -> None:
    """Write a file whole; one with secrets can be read by its owner alone.

    Raises:
        InvalidInput: the path can't be written.
    """
    try:
        paths.write_atomic(preview.path, preview.content, mode=0o600 if preview.secret else 0o644)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{preview.path} cannot be written: {error}.", fix="Choose another path."
        ) from error


def _told(part: Part[Config], form: Form, said: Mapping[str, str]) -> Part[Config]:
    return replace(part, said={name: form.get(name) for name in said})


def _preview(
    form: Form,
    step: Step,
    name: str,
    part: Part[Config],
    config: Config,
    emit: Callable[..., str],
) -> Preview:
    text, whole = emit(config), emit(config, secrets=True)
    read, disk = part.config, part.text
    same = disk is not None and read == config
    covered = None if disk is None else _covered(disk, (config, read))
    return Preview(
        step=step,
        path=form.folder / form.get(name),
        shown=form.get(name),
        before=covered,
        base=emit(read) if read is not None and not same else covered or "",
        text=covered if same and covered is not None else text,
        content=(disk if same and disk is not None else whole).encode(),
        differs=not same,
        secret=text != whole,
    )


def _covered(text: str, configs: Sequence[object]) -> str:
    """A file's text with `••••` in place of every secret that a config was read to hold."""
    for config in configs:
        for secret in sorted(_secrets(config), key=len, reverse=True):
            text = text.replace(secret, COVER)
    return text


def _secrets(config: object) -> set[str]:
    tables = (*INFERENCE_FIELDS, *DEPLOYMENT_FIELDS)
    found = [building.value_at(config, row.attribute) for row in tables if row.secret]
    inside = (row.attribute for row in ENVIRONMENT_FIELDS if row.secret)
    found += [building.value_at(config, f"environment.{attribute}") for attribute in inside]
    return {leaf for value in found for leaf in _leaves(value) if leaf}


def _leaves(value: object) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (leaf for child in value.values() for leaf in _leaves(child))
    elif isinstance(value, Sequence):
        yield from (leaf for child in value for leaf in _leaves(child))


def _read(
    path: Path, shown: str, parse: Callable[[str | bytes, str], Parsed[Config]]
) -> tuple[Part[Config], texts.Found]:
    """The file and its values by key; a file that can't be read is a problem of the part."""
    if not shown or not path.exists():
        return Part(path=shown), {}
    report = Report(shown)
    data = documents.read(path, report)
    try:
        text = documents.decode(data) if data is not None else ""
    except Malformed:
        text = ""
    if data is None:
        return Part(path=shown, text="", problems=tuple(report.problems)), {}
    parsed = parse(data, shown)
    root = documents.load(data, Report(shown))
    found = root.value if root is not None and isinstance(root.value, Mapping) else {}
    return Part(path=shown, text=text, config=parsed.config, problems=parsed.problems), found
