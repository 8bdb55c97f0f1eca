"""Whatever is in a file, the answer is a config or a clear problem, never a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends.configs.conda import emit_conda, parse_conda
from backends.configs.deployment import emit_deployment, parse_deployment
from backends.configs.environment import emit_environment, parse_environment
from backends.configs.inference import emit_inference, parse_inference
from backends.configs.records import Parsed
from tests.support.config_mutations import mutations

FILES = Path(__file__).parent / "files"
COUNTS = {"inference": 2000, "deployment": 2000, "conda": 700, "environment": 300}


def goods(kind: str) -> list[bytes]:
    """Return the good files of one kind."""
    patterns = {
        "inference": ("inference_*",),
        "deployment": ("ak*", "aci*", "local*", "process*", "iot*"),
        "conda": ("myenv*",),
        "environment": ("environment*",),
    }
    return [path.read_bytes() for name in patterns[kind] for path in sorted(FILES.glob(name))]


PARSERS: dict[str, tuple[Callable[..., Parsed[Any]], Callable[..., str]]] = {
    "inference": (parse_inference, lambda config: emit_inference(config, secrets=True)),
    "deployment": (parse_deployment, lambda config: emit_deployment(config, secrets=True)),
    "conda": (parse_conda, emit_conda),
    "environment": (parse_environment, lambda config: emit_environment(config, secrets=True)),
}


@pytest.mark.parametrize("kind", PARSERS)
def test_a_damaged_file_gives_a_config_or_clear_problems(kind: str) -> None:
    parse, emit = PARSERS[kind]
    failed = 0
    for data in mutations(goods(kind), COUNTS[kind], seed=20):
        parsed = parse(data, "file")
        assert (parsed.config is None) == bool(parsed.errors), data
        for problem in parsed.problems:
            assert problem.message.endswith("."), (problem, data)
            assert problem.message.isprintable(), (problem, data)
            assert problem.allowed, (problem, data)
            assert problem.line is None or 1 <= problem.line <= len(data) + 1, (problem, data)
        if parsed.config is None:
            failed += 1
        else:
            assert parse(emit(parsed.config), "file").config == parsed.config, data
    assert failed > COUNTS[kind] // 10, "the mutations do damage"


def test_there_are_five_thousand_mutations() -> None:
    assert sum(COUNTS.values()) == 5000
