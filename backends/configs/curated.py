"""Azure ML's curated environments by name, as what can be installed today.

The names are those of v1's documentation. Most of their pins (Python 3.6 to 3.8, scikit-learn
0.20, TensorFlow 1) have no packages for a Python that is still maintained, so each name stands
for the same libraries in a release that installs; `note` says so.
"""

import difflib

from msgspec import Struct

from backends.configs.records import CondaSpec, Environment
from backends.errors import NotFound

PYTHON = "3.11"
_CPU = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
_GPU = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"

_SKLEARN = ("scikit-learn==1.5.2", "joblib==1.4.2", "numpy==1.26.4", "pandas==2.2.3")
_TORCH = ("torch==2.5.1", "torchvision==0.20.1", "numpy==1.26.4")
_TENSORFLOW = ("tensorflow==2.18.0", "numpy==1.26.4")
_ONNX = ("onnxruntime==1.20.1", "numpy==1.26.4")
_BOOSTED = ("lightgbm==4.5.0", "xgboost==2.1.3")

_TABLE: dict[str, tuple[str, ...]] = {
    "AzureML-Minimal": (),
    "AzureML-Tutorial": (*_SKLEARN, "matplotlib==3.9.3"),
    "AzureML-Scikit-learn-0.20.3": _SKLEARN,
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu": _SKLEARN,
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu-inference": _SKLEARN,
    "AzureML-sklearn-0.24.1-ubuntu18.04-py37-cpu-inference": _SKLEARN,
    "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu": _SKLEARN,
    "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu-inference": _SKLEARN,
    "AzureML-PyTorch-1.0-CPU": _TORCH,
    "AzureML-PyTorch-1.0-GPU": _TORCH,
    "AzureML-PyTorch-1.2-CPU": _TORCH,
    "AzureML-PyTorch-1.2-GPU": _TORCH,
    "AzureML-PyTorch-1.4-CPU": _TORCH,
    "AzureML-PyTorch-1.4-GPU": _TORCH,
    "AzureML-PyTorch-1.6-CPU": _TORCH,
    "AzureML-PyTorch-1.6-GPU": _TORCH,
    "AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu": _TORCH,
    "AzureML-TensorFlow-1.13-CPU": _TENSORFLOW,
    "AzureML-TensorFlow-1.13-GPU": _TENSORFLOW,
    "AzureML-TensorFlow-2.0-CPU": _TENSORFLOW,
    "AzureML-TensorFlow-2.0-GPU": _TENSORFLOW,
    "AzureML-TensorFlow-2.2-CPU": _TENSORFLOW,
    "AzureML-TensorFlow-2.2-GPU": _TENSORFLOW,
    "AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu": _TENSORFLOW,
    "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu": (*_SKLEARN, "lightgbm==4.5.0"),
    "AzureML-xgboost-0.9-ubuntu18.04-py37-cpu-inference": (*_SKLEARN, "xgboost==2.1.3"),
    "AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference": _ONNX,
    "AzureML-AutoML": (*_SKLEARN, *_BOOSTED),
    "AzureML-AutoML-GPU": (*_SKLEARN, *_BOOSTED),
}
_NAMES = {name.casefold(): name for name in _TABLE}


class Curated(Struct, frozen=True, kw_only=True):
    """A curated environment and how it differs from the one of its name."""

    environment: Environment
    note: str


def curated_names() -> tuple[str, ...]:
    """Return every curated name, as documented."""
    return tuple(_TABLE)


def curated(name: str) -> Environment | None:
    """Return a curated environment by its name in any case; None when there is none."""
    entry = curated_entry(name)
    return entry.environment if entry else None


def curated_entry(name: str) -> Curated | None:
    """Return a curated environment with its note; None when there is none."""
    spelled = _NAMES.get(name.strip().casefold())
    if spelled is None:
        return None
    pip = _TABLE[spelled]
    libraries = ", ".join(pip) or "no library"
    return Curated(
        environment=Environment(
            name=spelled,
            version="1",
            conda=CondaSpec(packages=(f"python={PYTHON}",), pip=("azureml-defaults", *pip)),
            base_image=_GPU if spelled.casefold().endswith("gpu") else _CPU,
        ),
        note=f"{spelled} stands for Python {PYTHON} with {libraries}.",
    )


def require_curated(name: str) -> Environment:
    """Return a curated environment by its name in any case.

    Raises:
        NotFound: There is none; the nearest names are told.
    """
    environment = curated(name)
    if environment is not None:
        return environment
    near = difflib.get_close_matches(name.strip()[:100].casefold(), _NAMES, n=5, cutoff=0.4)
    offered = ", ".join(_NAMES[match] for match in near) or ", ".join(_TABLE)
    raise NotFound(
        f"There is no curated environment {name[:100]!r}.",
        fix=f"Use one of these, or give a conda file: {offered}.",
    )
