"""The field table holds together, and says as one types what is wrong."""

import pytest

from backends.configs.fields import (
    COMPUTE_TYPES,
    DEPLOYMENT_FIELDS,
    ENVIRONMENT_FIELDS,
    ENVIRONMENT_FLAGS,
    INFERENCE_FIELDS,
    Field,
    compute_type,
    fields_for,
    named,
)
from backends.configs.records import (
    ComputeType,
    DeploymentConfig,
    Environment,
    InferenceConfig,
    Problem,
)

TABLES = [*(fields_for(kind) for kind in ComputeType), INFERENCE_FIELDS, ENVIRONMENT_FIELDS]
EVERY = (*DEPLOYMENT_FIELDS, *INFERENCE_FIELDS, *ENVIRONMENT_FIELDS, *ENVIRONMENT_FLAGS)

V1_FLAGS = """
--es --entry-script --sd --source-directory --cf --conda-file --rt --runtime --ds
--extra-docker-file-steps --eg --enable-gpu --cv --cuda-version --bi --base-image --ir
--base-image-registry --ae --auth-enabled --token-auth-enabled --ai --enable-app-insights --md
--collect-model-data --as --autoscale-enabled --mi --autoscale-min-replicas --ma
--autoscale-max-replicas --ar --autoscale-refresh-seconds --at --autoscale-target-utilization
--nr --num-replicas --cc --cpu-cores --ccl --cpu-cores-limit --gb --memory-gb --gbl
--memory-gb-limit --gc --gpu-cores --tm --scoring-timeout-ms --rm
--replica-max-concurrent-requests --mr --max-request-wait-time --id --initial-delay-seconds --ps
--period-seconds --ts --timeout-seconds --st --success-threshold --ft --failure-threshold --kp
--primary-key --ks --secondary-key --se --ssl-enabled --sp --ssl-cert-pem-file --sk
--ssl-key-pem-file --sc --ssl-cname --dn --dns-name-label --lo --location --namespace --po --port
--vault-base-url --key-name --key-version --vnet-name --subnet-name --description --tag
--property --cp --compute-type --ct --compute-target -e --environment-name --ev
--environment-version --ed --environment-directory
"""


def field(name: str, kind: ComputeType = ComputeType.AKS) -> Field:
    found = named(name, (*fields_for(kind), *INFERENCE_FIELDS))
    assert found is not None
    return found


def test_every_flag_of_v1s_deploy_has_a_field() -> None:
    assert {flag for row in EVERY for flag in row.flags} == set(V1_FLAGS.split())


@pytest.mark.parametrize("table", TABLES)
def test_a_table_names_everything_once(table: tuple[Field, ...]) -> None:
    for values in (
        [row.name for row in table],
        [row.attribute for row in table],
        [row.key for row in table],
        [flag for row in table for flag in row.flags],
    ):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)
def test_every_field_explains_itself(row: Field) -> None:
    assert row.help.endswith(".")
    assert "\n" not in row.help
    assert row.allowed


@pytest.mark.parametrize(
    ("record", "table"),
    [
        (DeploymentConfig(compute_type=ComputeType.AKS), DEPLOYMENT_FIELDS),
        (InferenceConfig(), INFERENCE_FIELDS),
        (Environment(), ENVIRONMENT_FIELDS),
    ],
)
def test_every_field_has_its_place_in_the_record(record: object, table: tuple[Field, ...]) -> None:
    for row in table:
        value = record
        for name in row.attribute.split("."):
            if isinstance(value, dict):
                break
            assert hasattr(value, name), row
            value = getattr(value, name)


@pytest.mark.parametrize("word", ["LOCAL", "Aci", "aks", "Kubernetes", " iot ", "PROCESS"])
def test_a_compute_type_is_known_in_any_case(word: str) -> None:
    assert compute_type(word) is COMPUTE_TYPES[word.strip().lower()]


def test_a_wrong_word_is_no_compute_type() -> None:
    assert compute_type("aksendpoint") is None


def test_defaults_follow_the_compute_type() -> None:
    assert field("auth_enabled", ComputeType.AKS).default == "true"
    assert field("auth_enabled", ComputeType.ACI).default == "false"
    assert field("auth_enabled", ComputeType.PROCESS).default == "false"
    assert {row.key for row in fields_for(ComputeType.LOCAL)} >= {"computeType", "port"}
    assert named("gpu_cores", fields_for(ComputeType.ACI)) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cpu_cores", "0.5"),
        ("cpu_cores", " 2 "),
        ("gpu_cores", "0"),
        ("auth_enabled", "TRUE"),
        ("auth_enabled", "False"),
        ("namespace", "team-a"),
        ("runtime", "Spark-PY"),
        ("tags", "a=1\nb=x=y\n"),
        ("cpu_cores", ""),
        ("autoscale_target_utilization", "100"),
    ],
)
def test_a_good_text_has_no_problem(name: str, text: str) -> None:
    assert field(name).check(text) is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cpu_cores", "many", "must be a number"),
        ("cpu_cores", "0", "must be a number above 0"),
        ("cpu_cores", "nan", "must be a number"),
        ("cpu_cores", "1e999", "must be a number"),
        ("gpu_cores", "-1", "must be a whole number, 0 or more"),
        ("gpu_cores", "1.5", "must be a whole number"),
        ("gpu_cores", "9" * 5000, "must be a whole number"),
        ("autoscale_target_utilization", "101", "above 0, at most 100"),
        ("auth_enabled", "yes", "must be true or false"),
        ("namespace", "Team_A", "lower-case letters"),
        ("namespace", "a" * 64, "lower-case letters"),
        ("runtime", "java", "must be one of python, spark-py, python-slim"),
        ("tags", "area", "must be written key=value"),
        ("entry_script", "", "is needed"),
        ("entry_script", "a\0b", "NUL"),
        ("entry_script", "a\udcff.py", "bytes that are no text"),
    ],
)
def test_a_wrong_text_is_explained(name: str, text: str, said: str) -> None:
    problem = field(name).check(text)
    assert problem is not None
    assert said in problem.message
    assert problem.allowed == field(name).allowed


def test_a_secret_is_never_shown() -> None:
    problem = field("primary_key").check("hush\0hush")
    assert isinstance(problem, Problem)
    assert "hush" not in repr(problem)


@pytest.mark.parametrize(("port", "good"), [("0", True), ("65535", True), ("65536", False)])
def test_a_port_is_a_port(port: str, good: bool) -> None:
    assert (field("port", ComputeType.LOCAL).check(port) is None) is good
