"""What is emitted reads back the same."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings

from backends.configs.conda import emit_conda, parse_conda
from backends.configs.deployment import (
    deployment_as_flags,
    deployment_with_flags,
    emit_deployment,
    parse_deployment,
)
from backends.configs.environment import (
    emit_environment,
    parse_environment,
    read_environment_directory,
    write_environment_directory,
)
from backends.configs.inference import emit_inference, parse_inference
from backends.configs.records import (
    ComputeType,
    CondaSpec,
    DeploymentConfig,
    Environment,
    InferenceConfig,
)
from tests.support.config_strategies import (
    conda_specs,
    deployment_configs,
    environments,
    inference_configs,
)


@settings(deadline=None, max_examples=200)
@given(inference_configs())
def test_an_emitted_inference_config_parses_to_itself(config: InferenceConfig) -> None:
    parsed = parse_inference(emit_inference(config, secrets=True), "file")
    assert parsed.errors == ()
    assert parsed.config == config
    assert parse_inference(emit_inference(config), "file").config is not None, (
        "without secrets, too"
    )


@settings(deadline=None, max_examples=300)
@given(deployment_configs())
def test_an_emitted_deployment_config_parses_to_itself(config: DeploymentConfig) -> None:
    parsed = parse_deployment(emit_deployment(config, secrets=True), "file")
    assert parsed.errors == ()
    assert parsed.config == config
    assert parse_deployment(emit_deployment(config), "file").config is not None, (
        "without secrets, too"
    )


@settings(deadline=None, max_examples=200)
@given(environments())
def test_an_emitted_environment_parses_to_itself(environment: Environment) -> None:
    parsed = parse_environment(emit_environment(environment, secrets=True), "file")
    assert parsed.errors == ()
    assert parsed.config == environment
    assert parse_environment(emit_environment(environment), "file").config is not None


@settings(deadline=None, max_examples=200)
@given(conda_specs())
def test_an_emitted_conda_file_parses_to_itself(spec: CondaSpec) -> None:
    parsed = parse_conda(emit_conda(spec), "file")
    assert parsed.errors == ()
    assert parsed.config == spec


@settings(deadline=None, max_examples=50)
@given(environments().filter(lambda environment: not environment.image_registry.password))
def test_a_saved_environment_reads_back_the_same(environment: Environment) -> None:
    with TemporaryDirectory() as folder:
        write_environment_directory(environment, Path(folder))
        parsed = read_environment_directory(Path(folder))
    assert parsed.errors == ()
    assert parsed.config == environment


def test_flags_of_a_config_make_the_config_again() -> None:
    config = DeploymentConfig(
        compute_type=ComputeType.ACI, auth_enabled=False, tags={"area": "mnist"}, location="here"
    )
    assert deployment_with_flags(None, deployment_as_flags(config)).config == config
