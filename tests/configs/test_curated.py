"""Curated environments are known by name."""

import pytest
from packaging.requirements import Requirement

from backends.configs.curated import curated, curated_entry, curated_names, require_curated
from backends.errors import NotFound


@pytest.mark.parametrize("name", curated_names())
def test_every_name_has_packages_that_pip_understands_and_a_base_image(name: str) -> None:
    entry = curated_entry(name)
    assert entry is not None
    assert entry.environment.name == name
    assert entry.environment.base_image.startswith("mcr.microsoft.com/")
    assert entry.environment.conda is not None
    assert entry.environment.conda.python == "3.11"
    assert entry.environment.conda.pip[0] == "azureml-defaults"
    assert all(Requirement(text) for text in entry.environment.conda.pip)
    assert entry.note.startswith(name)


def test_a_name_is_known_in_any_case() -> None:
    assert curated("azureml-minimal") == curated("AzureML-Minimal")


def test_a_gpu_name_has_a_gpu_image() -> None:
    environment = require_curated("AzureML-PyTorch-1.6-GPU")
    assert "cuda" in environment.base_image


def test_an_unknown_name_is_told_with_near_names() -> None:
    assert curated("AzureML-Skikit-learn") is None
    with pytest.raises(NotFound) as caught:
        require_curated("AzureML-Skikit-learn")
    assert "AzureML-Scikit-learn-0.20.3" in caught.value.fix
    with pytest.raises(NotFound) as far:
        require_curated("???")
    assert all(name in far.value.fix for name in curated_names())
