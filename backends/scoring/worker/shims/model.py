"""`Model.get_model_path`: where a registered model lies inside a service."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = ["Model", "ModelNotFoundException"]

MODELS = "azureml-models"


class ModelNotFoundException(Exception):
    """No such model below the app root, and no such path beside it."""


class Model:
    """The one method that entry scripts call inside a service."""

    @staticmethod
    def get_model_path(
        model_name: str,
        version: "Optional[int]" = None,
        _workspace: "Any" = None,
    ) -> str:
        """The model's one file, or its one inner folder.

        Raises:
            ModelNotFoundException: Nothing of that name.
            ValueError: `version` is not an int, or the version's folder has not one entry.
        """
        if version is not None and not isinstance(version, int):
            raise ValueError("version must be an int, not {!r}.".format(version))
        root = os.path.join(os.environ.get("AML_APP_ROOT", ""), MODELS, model_name)
        if version is None:
            version = _newest(root)
        folder = os.path.join(root, str(version))
        if version is None or not os.path.isdir(folder):
            return _beside(model_name, root)
        entries = sorted(os.listdir(folder))
        if len(entries) != 1:
            raise ValueError("{} should hold one entry, but holds {}.".format(folder, entries))
        return os.path.join(folder, entries[0])


def _newest(root: str) -> "Optional[int]":
    try:
        versions = [int(name) for name in os.listdir(root) if name.isdigit()]
    except OSError:
        return None
    return max(versions) if versions else None


def _beside(name: str, root: str) -> str:
    path = os.path.join(".", name)
    if os.path.exists(path):
        return path
    raise ModelNotFoundException(
        "Model {} was found neither in {} nor in the working directory {}.".format(
            name, root, os.getcwd()
        )
    )
