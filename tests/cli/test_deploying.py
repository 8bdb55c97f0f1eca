"""`pilothouse model deploy` that fails, waits, or is broken off."""

import signal
import socket

from tests.support.commandline import CommandLine, write_json

CONFIGS = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")


def test_a_failing_init_ends_with_its_card(cli: CommandLine) -> None:
    """Exit 1; sentence, traceback and what to try on stderr, nothing on stdout."""
    (cli.folder / "src" / "score.py").write_text(
        "def init():\n    print('before it')\n    raise ValueError('no such weights')\n"
        "def run(data):\n    return data\n"
    )
    ran = cli("model", "deploy", "-n", "broken", *CONFIGS)
    assert (ran.code, ran.out) == (1, "")
    assert "ValueError: no such weights" in ran.err
    assert "line 3, in init" in ran.err
    assert "before it" in ran.err
    assert "pilothouse service get-logs -n broken" in ran.err
    whole = cli.data("service", "show", "-n", "broken", "-v")
    assert (whole["state"], whole["error"]["code"]) == ("Failed", "Failed")
    assert "no such weights" in whole["evidence"]["traceback"]


def test_a_log_that_is_only_the_traceback_is_not_told_twice(cli: CommandLine) -> None:
    """The card is short where there is nothing more to say."""
    (cli.folder / "src" / "score.py").write_text(
        "def init():\n    raise ValueError('no such weights')\ndef run(data):\n    return data\n"
    )
    ran = cli("model", "deploy", "-n", "broken", *CONFIGS)
    assert ran.err.count("line 2, in init") == 1


def test_a_wait_that_is_too_long_ends_with_124_and_the_service_goes_on(cli: CommandLine) -> None:
    """`--timeout` bounds the waiting, not the service."""
    (cli.folder / "src" / "score.py").write_text(
        "import os, time\n"
        "def init():\n    while not os.path.exists(os.environ['GATE']):\n        time.sleep(0.01)\n"
        "def run(data):\n    return data\n"
    )
    environment = {"name": "gated", "environmentVariables": {"GATE": str(cli.folder / "gate")}}
    config = {"entryScript": "score.py", "sourceDirectory": "src", "environment": environment}
    write_json(cli.folder / "inferenceconfig.json", config)
    ran = cli("model", "deploy", "-n", "slow", *CONFIGS, "--timeout", "0.5")
    assert (ran.code, ran.out) == (124, "")
    assert cli("service", "wait", "-n", "slow", "--timeout", "0.2").code == 124
    (cli.folder / "gate").write_text("")
    assert cli("service", "wait", "-n", "slow", "--timeout", "60").code == 0


def test_a_deployment_interrupted_ends_with_130(cli: CommandLine) -> None:
    """What the target accepted goes on and is found again."""
    (cli.folder / "src" / "score.py").write_text(
        "import time\ndef init():\n    time.sleep(600)\ndef run(data):\n    return data\n"
    )
    with cli.start("model", "deploy", "-n", "long", *CONFIGS) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Transitioning" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert cli.data("service", "show", "-n", "long")["state"] == "Transitioning"


def test_more_than_the_machine_has_is_unschedulable(cli: CommandLine) -> None:
    """Asked and available are named; a dry run tells it beforehand."""
    cli("model", "register", "-n", "words", "-p", "models")
    line = ("model", "deploy", "-n", "huge", "-m", "words:1", *CONFIGS, "--gb", "100000")
    dry = cli(*line, "--dry-run")
    assert dry.code == 1
    assert "100000" in dry.err
    ran = cli(*line)
    assert ran.code == 1
    assert "100000" in ran.err
    assert cli.data("service", "show", "-n", "huge")["state"] == "Unschedulable"


def test_a_taken_port_names_its_owner(cli: CommandLine) -> None:
    """Said before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = cli("model", "deploy", "-n", "ported", *CONFIGS, "--port", port)
    assert ran.code == 1
    assert port in ran.err


def test_no_wait_returns_at_once_and_wait_follows(cli: CommandLine) -> None:
    """The name is made from the model's, and said."""
    cli("model", "register", "-n", "My_Words", "-p", "models")
    ran = cli("model", "deploy", "-m", "My_Words:1", *CONFIGS, "--no-wait")
    assert ran.data["name"] == "my-words"
    assert "my-words" in ran.err
    assert cli("service", "wait", "-n", "my-words", "--timeout", "60").code == 0


def test_a_deploy_that_is_terminated_leaves_nothing_half_built(cli: CommandLine) -> None:
    """SIGTERM while packages are fetched from an index that never answers."""
    (cli.folder / "score.py").write_text("def init():\n    pass\ndef run(data):\n    return data\n")
    (cli.folder / "myenv.yml").write_text("dependencies:\n  - pip:\n    - six==1.16.0\n")
    write_json(cli.folder / "ic.json", {"entryScript": "score.py", "condaFile": "myenv.yml"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        offline = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CACHE": "1"}
        with cli.start("model", "deploy", "-n", "slow", "--ic", "ic.json", env=offline) as process:
            asked, _ = silent.accept()
            with asked:
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err
    assert list((cli.home / "environments").glob(".*staged*")) == []
