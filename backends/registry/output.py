"""A version's files written back: for a service to run from, or for a person to keep."""

import os
import shutil
from pathlib import Path

from backends.errors import Conflict, IntegrityError
from backends.registry.blobs import BlobStore
from backends.registry.copying import copy_hashed, opened, place
from backends.registry.records import ModelFile, ModelVersion
from backends.registry.sources import path_problem


class Output:
    """The files of one version, on their way out."""

    def __init__(self, blobs: BlobStore, model: ModelVersion) -> None:
        self._blobs = blobs
        self._model = model

    def materialize(self, folder: Path) -> None:
        """Write them below `folder`, read-only, sharing the stored bytes where possible."""
        for file in self._model.files:
            try:
                place(self._blob(file), _below(folder, file.path))
            except FileExistsError as error:
                raise Conflict(
                    f"{folder / file.path} exists already.", fix="Give an empty folder."
                ) from error

    def download(self, folder: Path, *, overwrite: bool) -> Path:
        """Write independent copies below `folder`, checked while they are copied.

        Returns:
            The file of a single-file model, the model's own folder otherwise.
        """
        top = folder / self._model.files[0].path.split("/")[0]
        if os.path.lexists(top) and not overwrite:
            raise Conflict(f"{top} exists already.", fix="Choose another folder, or overwrite it.")
        folder.mkdir(parents=True, exist_ok=True)
        staged = folder / f".{self._model.name}.{os.urandom(8).hex()}"
        try:
            for file in self._model.files:
                self._copy(file, _below(staged, file.path))
            self._publish(staged, folder, top)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return top

    def _publish(self, staged: Path, folder: Path, top: Path) -> None:
        """Put the whole in its place; what lies there besides the model's files is kept."""
        if not os.path.lexists(top):
            (staged / top.name).rename(top)
            return
        for file in self._model.files:
            target = _below(folder, file.path)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                (staged / file.path).replace(target)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise Conflict(
                    f"{target} cannot be overwritten: a folder is in the place of a file, or a "
                    "file in the place of a folder.",
                    fix="Move it away, or choose another folder.",
                ) from error

    def _copy(self, file: ModelFile, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened(self._blob(file)) as source:
            _, found = copy_hashed(source, target)
        if found != file.sha256:
            raise IntegrityError(
                f"{self._model.id}: the stored bytes of {file.path} hash to {found}, "
                f"not to {file.sha256}.",
                fix="Register the model again from a good copy.",
            )
        target.chmod(0o666 & ~_umask())

    def _blob(self, file: ModelFile) -> Path:
        blob = self._blobs.path(file.sha256)
        if not blob.exists():
            raise IntegrityError(
                f"{self._model.id}: the stored bytes of {file.path} are missing.",
                fix="Register the model again from a good copy.",
            )
        return blob


def _below(folder: Path, path: str) -> Path:
    problem = path_problem(path)
    if problem:
        raise IntegrityError(f"The index holds a path that cannot be: {problem}.")
    return folder / path


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found
