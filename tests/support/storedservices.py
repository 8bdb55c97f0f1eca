"""Services that exist in a workspace's records alone, at fixed times, for what screens show."""

from msgspec.structs import replace

from backends.configs.records import ComputeType, DeploymentConfig, InferenceConfig
from backends.services.records import Revision, Stage, StageTiming, Transition
from backends.services.store import Store
from backends.targets.records import (
    Evidence,
    ModelRef,
    Resources,
    ServiceSpec,
    ServiceState,
    Status,
)

NOON = 1_772_452_800.0
"""2026-03-02 12:00:00 UTC."""
NOW = NOON + 300.0

TRACEBACK = """\
Traceback (most recent call last):
  File "score.py", line 8, in init
    vectors = load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "w2v.bin"))
  File "score.py", line 3, in load
    with open(path, "rb") as file:
FileNotFoundError: [Errno 2] No such file or directory: 'azureml-models/sentiment/7/w2v.bin'
"""
INFERENCE = InferenceConfig(entry_script="score.py", source_directory="./source")
DEPLOYMENT = DeploymentConfig(compute_type=ComputeType.PROCESS, auth_enabled=True)


def spec(name: str = "sentiment", revision: int = 1, model: int = 4) -> ServiceSpec:
    """A spec of one revision."""
    return ServiceSpec(
        workspace="factory-north",
        name=name,
        revision=revision,
        target="process",
        models=(ModelRef("onnx_mnist", model),),
        entry_script="source/score.py",
        source_directory="source",
        resources=Resources(cpu=0.5, memory_gb=1.0),
        environment_key="4f1e9a0b77c2",
        tags={"area": "text"},
    )


def revision(number: int, at: float, *, name: str = "sentiment", model: int = 4) -> Revision:
    """A stored revision."""
    return Revision(
        number=number,
        created=at,
        actor="ops",
        spec=spec(name, number, model),
        inference=INFERENCE,
        deployment=DEPLOYMENT if number > 1 else replace(DEPLOYMENT, auth_enabled=None),
        note="create" if number == 1 else "update",
    )


def status(
    name: str,
    state: ServiceState,
    at: float,
    reason: str,
    *,
    serving: int | None = None,
    rolling_out: int | None = None,
    phase: str = "",
    evidence: Evidence | None = None,
) -> Status:
    """An observation."""
    return Status(
        service=name,
        state=state,
        reason=reason,
        at=at,
        serving=serving,
        rolling_out=rolling_out,
        ready=1 if serving else 0,
        phase=phase,
        evidence=evidence or Evidence(),
    )


def healthy(store: Store, name: str = "sentiment", *, at: float = NOON - 900) -> None:
    """Deployed once; answers."""
    store.put_revision(revision(1, at, name=name, model=3), "process")
    _did(store, name, "deploy", at, 1, "onnx_mnist:3")
    _stages(store, name, 1, at)
    for offset, phase in ((1.5, "importing"), (1.9, "init")):
        coming = status(
            name, ServiceState.TRANSITIONING, at + offset, phase, rolling_out=1, phase=phase
        )
        store.observe(coming)
    serves = status(name, ServiceState.HEALTHY, at + 11.3, "revision 1 serves", serving=1)
    store.observe(serves, "http://127.0.0.1:8890")


def updating(store: Store, name: str = "sentiment") -> None:
    """Revision 1 answers while revision 2 comes up."""
    healthy(store, name)
    store.put_revision(revision(2, NOON + 290, name=name), "process")
    _did(store, name, "update", NOON + 290, 2, "onnx_mnist:4")
    coming = status(
        name,
        ServiceState.TRANSITIONING,
        NOON + 292,
        "revision 2: init(); revision 1 serves",
        serving=1,
        rolling_out=2,
        phase="init",
    )
    store.observe(coming)


def failed(store: Store, name: str = "broken") -> None:
    """`init()` raised."""
    at = NOON + 180
    store.put_revision(revision(1, at, name=name), "process")
    _did(store, name, "deploy", at, 1, "onnx_mnist:4")
    _stages(store, name, 1, at)
    evidence = Evidence(
        stage="init",
        exit_code=3,
        traceback=TRACEBACK,
        last_lines=("loading w2v", *TRACEBACK.splitlines()),
        model_tree=("onnx_mnist/4/model.onnx  26012 bytes", "onnx_mnist/4/labels.txt  20 bytes"),
    )
    reason = TRACEBACK.splitlines()[-1]
    ended = status(name, ServiceState.FAILED, at + 4, reason, evidence=evidence)
    store.observe(ended, "http://127.0.0.1:8891")


def _did(store: Store, name: str, kind: str, at: float, number: int, models: str) -> None:
    store.record(
        Transition(
            service=name,
            at=at,
            kind=kind,
            state=ServiceState.TRANSITIONING,
            reason=f"r{number}: {models}",
            revision=number,
            actor="ops",
        )
    )


def _stages(store: Store, name: str, number: int, at: float) -> None:
    stages = (
        (Stage.BUNDLE, 0.1, 0.004, "onnx_mnist:3"),
        (Stage.ENVIRONMENT, 0.2, 1.2, "built 4f1e9a0b77c2"),
        (Stage.APPLY, 1.4, 0.02, f"r{number} on process"),
        (Stage.START, 1.42, 9.4, f"r{number} answers"),
    )
    for stage, offset, seconds, detail in stages:
        timing = StageTiming(
            revision=number, stage=stage, started=at + offset, seconds=seconds, detail=detail
        )
        store.add_stage(name, timing)
