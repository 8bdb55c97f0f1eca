"""Inference configs: both forms of v1's files read the same as ever."""

import json
from pathlib import Path
from typing import Any

import pytest

from backends.configs.environment import write_environment_directory
from backends.configs.inference import (
    emit_inference,
    inference_as_flags,
    inference_with_flags,
    parse_inference,
    read_inference,
)
from backends.configs.records import (
    CondaSpec,
    Environment,
    ImageRegistry,
    InferenceConfig,
    Parsed,
    Severity,
)

FILES = Path(__file__).parent / "files"


def good(name: str) -> InferenceConfig:
    parsed = read_inference(FILES / name)
    assert parsed.problems == ()
    assert parsed.config is not None
    return parsed.config


def parse(**keys: Any) -> Parsed[InferenceConfig]:
    text = json.dumps({"entryScript": "score.py", **keys}, indent=1)
    return parse_inference(text, "inf.json")


def test_the_flat_form_of_2019() -> None:
    assert good("inference_flat.json") == InferenceConfig(
        entry_script="score.py", runtime="python", conda_file="myenv.yml"
    )


def test_the_minimal_form_of_2021() -> None:
    assert good("inference_minimal.json") == InferenceConfig(
        entry_script="score.py", source_directory="./working_dir"
    )


def test_nulls_are_absent() -> None:
    assert good("inference_nulls.json") == InferenceConfig(
        entry_script="score.py", runtime="python", conda_file="infenv.yml", enable_gpu=False
    )


def test_the_environment_form() -> None:
    config = good("inference_environment.json")
    environment = config.environment
    assert (config.entry_script, config.source_directory) == ("echo_score.py", "./source_dir")
    assert environment is not None
    assert not environment.reference
    assert (environment.name, environment.version) == ("my-deploy-env", "1")
    assert environment.variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert environment.conda == CondaSpec(
        channels=("conda-forge",),
        packages=("python=3.8",),
        pip=("azureml-defaults", "scikit-learn==0.22.1"),
    )
    assert environment.base_image.startswith("mcr.microsoft.com/azureml/openmpi3.1.2")
    assert environment.other["docker"] == {"enabled": False, "sharedVolumes": True}
    assert environment.other["spark"] == {
        "repositories": [],
        "packages": [],
        "precachePackages": True,
    }


def test_an_environment_by_reference() -> None:
    config = good("inference_reference.json")
    assert config.environment == Environment(name="myenv", reference=True)
    assert json.loads(emit_inference(config))["environment"] == {"name": "myenv"}


def test_yaml_with_every_key_of_the_flat_form() -> None:
    config = good("inference_full_flat.yml")
    assert config == InferenceConfig(
        entry_script="x/y/score.py",
        source_directory="./abc",
        runtime="python",
        conda_file="env/myenv.yml",
        extra_docker_steps="steps.dockerfile",
        enable_gpu=True,
        cuda_version="10.0",
        base_image="sample/base:1",
        image_registry=ImageRegistry(
            address="registry.example.com", username="puller", password="hush"
        ),
        description="everything at once",
    )
    assert "hush" not in emit_inference(config)
    assert "hush" not in repr(config)
    assert "hush" in emit_inference(config, secrets=True)


@pytest.mark.parametrize(
    "key", ["extraDockerfileSteps", "extraDockerFileSteps", "EXTRADOCKERFILESTEPS"]
)
def test_docker_steps_are_spelled_in_any_case(key: str) -> None:
    parsed = parse(**{key: "steps"})
    assert parsed.problems == ()
    assert parsed.config is not None
    assert parsed.config.extra_docker_steps == "steps"


def test_a_registry_may_be_only_its_address() -> None:
    config = parse(runtime="python", baseImage="x", baseImageRegistry="mcr.microsoft.com").config
    assert config is not None
    assert config.image_registry == ImageRegistry(address="mcr.microsoft.com")


def test_a_registry_without_its_password_warns() -> None:
    parsed = parse(baseImageRegistry={"address": "a", "username": "u"})
    assert parsed.config is not None
    assert [problem.severity for problem in parsed.problems] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"entryScript": None}, "entryScript is needed"),
        ({"entryScript": ""}, "entryScript is needed"),
        ({"entryScript": 3}, "entryScript must be a path, and is a number"),
        ({"runtime": "java"}, "runtime must be one of python, spark-py, python-slim"),
        ({"cudaVersion": "11"}, "cudaVersion must be one of 9.0, 9.1, 10.0"),
        ({"enableGpu": "true"}, "enableGpu must be true or false, and is text: write it without"),
        ({"runtime": "spark-py", "baseImage": "x"}, "baseImage needs runtime python"),
        ({"baseImageRegistry": {"username": "u"}}, "username needs address and password"),
        ({"baseImageRegistry": {"address": "a", "password": "p"}}, "password needs address and"),
        ({"baseImageRegistry": 3}, "baseImageRegistry must be a mapping"),
        ({"environment": "myenv"}, "environment must be a mapping"),
        ({"environment": {"python": []}}, "environment.python must be a mapping"),
        (
            {"environment": {"docker": {"baseImage": "a", "baseDockerfile": "FROM b"}}},
            "cannot stand together",
        ),
        (
            {"environment": {"python": {"condaDependencies": {"dependencies": [1]}}}},
            "environment.python.condaDependencies.dependencies[0] must be text",
        ),
    ],
)
def test_a_breach_is_explained(keys: dict[str, Any], said: str) -> None:
    parsed = parse(**keys)
    assert parsed.config is None
    (problem,) = parsed.errors
    assert said in problem.message
    assert problem.line is not None
    assert problem.allowed


def test_a_problem_deep_inside_knows_its_line() -> None:
    text = """{
  "entryScript": "score.py",
  "environment": {
    "name": "x",
    "python": {
      "condaDependencies": {
        "dependencies": [
          "python=3.8",
          {"pip": [
            "numpy",
            {}
          ]}
        ]
      },
      "userManagedDependencies": "no"
    },
    "dockr": {}
  }
}"""
    found = {p.key: p.line for p in parse_inference(text, "inf.json").problems}
    assert found == {
        "environment.python.condaDependencies.dependencies.pip[1]": 11,
        "environment.python.userManagedDependencies": 15,
        "environment.dockr": 17,
    }


def test_the_environment_wins_over_flat_keys_with_a_warning_each() -> None:
    parsed = parse(
        environment={"name": "myenv"}, runtime="python", condaFile="c.yml", enableGpu=False
    )
    assert parsed.config == InferenceConfig(
        entry_script="score.py", environment=Environment(name="myenv", reference=True)
    )
    assert [(p.severity, p.key) for p in parsed.problems] == [
        (Severity.WARNING, "runtime"),
        (Severity.WARNING, "condaFile"),
    ]


def test_flags_win_over_the_file() -> None:
    parsed = read_inference(
        FILES / "inference_flat.json", {"entry_script": "x.py", "enable_gpu": "True"}
    )
    assert parsed.config == InferenceConfig(
        entry_script="x.py", runtime="python", conda_file="myenv.yml", enable_gpu=True
    )


def test_a_flag_gives_the_script_that_the_file_lacks() -> None:
    config = parse_inference('{"sourceDirectory": "d"}', "i", {"entry_script": "a.py"}).config
    assert config == InferenceConfig(entry_script="a.py", source_directory="d")


def test_flags_alone_are_enough() -> None:
    parsed = inference_with_flags(
        None, {"entry_script": "score.py", "runtime": "PYTHON", "conda_file": "c.yml"}
    )
    assert parsed.config == InferenceConfig(
        entry_script="score.py", runtime="python", conda_file="c.yml"
    )


def test_no_file_and_no_flag_lacks_the_script() -> None:
    assert "entryScript is needed" in inference_with_flags(None, {}).errors[0].message


def test_the_files_environment_wins_over_a_flags() -> None:
    named = {"environment_name": "other", "environment_version": "3"}
    first = inference_with_flags(good("inference_reference.json"), named).config
    second = inference_with_flags(good("inference_minimal.json"), named).config
    assert first is not None
    assert second is not None
    assert first.environment == Environment(name="myenv", reference=True)
    assert second.environment == Environment(name="other", version="3", reference=True)


def test_a_saved_environment_may_be_named_by_a_flag(tmp_path: Path) -> None:
    environment = Environment(name="e", conda=CondaSpec(pip=("numpy",)))
    write_environment_directory(environment, tmp_path)
    flags = {"entry_script": "a.py", "environment_directory": str(tmp_path)}
    config = inference_with_flags(None, flags).config
    assert config is not None
    assert config.environment == environment


def test_a_form_holds_a_config_as_texts() -> None:
    for name in ("inference_flat.json", "inference_reference.json", "inference_nulls.json"):
        config = good(name)
        assert inference_with_flags(None, inference_as_flags(config)).config == config


def test_keys_are_written_in_v1s_order() -> None:
    written = emit_inference(good("inference_environment.json"))
    assert list(json.loads(written)) == ["entryScript", "sourceDirectory", "environment"]
    assert list(json.loads(written)["environment"]) == [
        "name",
        "version",
        "environmentVariables",
        "python",
        "docker",
        "spark",
        "databricks",
    ]


def test_a_flag_of_something_else_is_told_and_ignored() -> None:
    parsed = inference_with_flags(None, {"entry_script": "a.py", "cpu_cores": "1"})
    assert parsed.config == InferenceConfig(entry_script="a.py")
    assert parsed.problems[0].message == (
        "cpu_cores does not apply to an inference config and is ignored."
    )
