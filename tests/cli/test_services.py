"""`pilothouse service` on a real service of the process target."""

import json
import shlex
import signal

import pytest

from tests.support.commandline import CommandLine

SHOWN = [
    "name",
    "imageId",
    "updatedAt",
    "computeType",
    "scoringUri",
    "state",
    "tags",
    "properties",
    "environmentDetails",
]
CONFIGS = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")


@pytest.fixture(scope="module")
def live(shared: CommandLine) -> CommandLine:
    """Service `words` with model words:1, and a second version of the model."""
    shared("model", "register", "-n", "words", "-p", "models")
    ran = shared("model", "deploy", "-n", "words", "-m", "words:1", "--tag", "a=1", *CONFIGS)
    assert ran.code == 0, ran.err
    (shared.folder / "models" / "words.txt").write_text("two")
    shared("model", "register", "-n", "words", "-p", "models")
    return shared


def run(cli: CommandLine, body: str = "{}", name: str = "words") -> object:
    """What the service answers."""
    return cli.data("service", "run", "-n", name, "-d", body)


def test_a_service_is_shown_with_v1s_keys(live: CommandLine) -> None:
    """By name, in the list, and by the documentation's slip `service NAME`."""
    shown = live.data("service", "show", "-n", "words")
    assert list(shown) == SHOWN
    assert (shown["state"], shown["computeType"], shown["tags"]) == (
        "Healthy",
        "PROCESS",
        {"a": "1"},
    )
    assert live.data("service", "list") == [shown]
    slip = live("service", "words")
    assert slip.data == shown
    assert "pilothouse service delete -n words" in slip.err


def test_the_whole_object_tells_more(live: CommandLine) -> None:
    """v1's serialised keys, and what only is known here."""
    whole = live.data("service", "show", "-n", "words", "-v")
    assert whole["modelDetails"] == [{"id": "words:1", "name": "words", "version": 1}]
    assert whole["workspaceName"] == "default"
    assert whole["createdBy"]
    assert [one["models"] for one in whole["revisions"]] == [["words:1"]]
    assert (whole["revision"], whole["servingRevision"], whole["error"]) == (1, 1, None)


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ("-c process", 1),
        ("-c PROCESS --tag a=1", 1),
        ("-c aci", 0),
        ("--tag b", 0),
        ("--model-name words", 1),
        ("--model-id words:2", 0),
        ("--property x", 0),
        ("--no-refresh", 1),
    ],
)
def test_the_list_takes_v1s_filters(flags: str, count: int, live: CommandLine) -> None:
    """All of them must hold; a computeType in any case."""
    assert len(live.data("service", "list", *flags.split())) == count


def test_an_unknown_compute_type_is_refused(live: CommandLine) -> None:
    """With those that there are."""
    ran = live("service", "list", "-c", "cloud")
    assert ran.code == 2
    assert "process" in ran.err


def test_run_prints_the_answer(live: CommandLine) -> None:
    """Indented JSON; a query picks from it; the body may come from a file or from stdin."""
    ran = live("service", "run", "-n", "words", "-d", '{"data":[[1,2,3]]}')
    assert ran.data == {"model": "one", "sent": {"data": [[1, 2, 3]]}}
    assert ran.out.startswith('{\n  "model"')
    picked = live("service", "run", "-n", "words", "-d", "[5]", "--query", "sent[0]", "-o", "tsv")
    assert picked.out == "5\n"
    (live.folder / "body.json").write_text("[7]")
    assert live.data("service", "run", "-n", "words", "-d", "@body.json")["sent"] == [7]
    piped = live("service", "run", "-n", "words", "-d", "-", stdin="[8]")
    assert piped.data["sent"] == [8]


def test_an_answer_that_is_not_200_fails_with_its_body(live: CommandLine) -> None:
    """The body goes to stderr: stdout holds answers only."""
    ran = live("service", "run", "-n", "words", "-d", "no json")
    assert (ran.code, ran.out) == (1, "")
    assert "500" in ran.err
    assert "message" in ran.err


def test_logs_are_printed_raw_in_a_pipe_and_clean_on_a_terminal(live: CommandLine) -> None:
    """The script's own escape sequences never reach the terminal."""
    raw = live("service", "get-logs", "-n", "words")
    assert "\x1b[31mloaded\x1b[0m one" in raw.out
    drawn = live.on_terminal("service", "get-logs", "-n", "words")
    assert "loaded one" in drawn.out
    assert "\x1b" not in drawn.out


def test_logs_can_be_cut_filtered_and_read_by_programs(live: CommandLine) -> None:
    """Last lines, levels, and a JSON object a line."""
    run(live, '"mark"')
    with live.start("service", "get-logs", "-n", "words", "-o", "json", "--follow") as process:
        assert process.stdout is not None
        parsed = (json.loads(line) for line in process.stdout)
        marked = next(line for line in parsed if line["text"] == "scoring mark")
    assert {"time", "replica", "sequence", "stream", "level", "requestId"} <= marked.keys()
    last = live("service", "get-logs", "-n", "words", "-l", "2").out.splitlines()
    assert len(last) == 2
    errors = live("service", "get-logs", "-n", "words", "--level", "critical").out
    assert errors == ""
    assert live("service", "get-logs", "-n", "words", "--since", "whenever").code == 2


def test_followed_logs_end_with_ctrl_c(live: CommandLine) -> None:
    """New lines come as they are written; exit 130, no traceback."""
    with live.start("service", "get-logs", "-n", "words", "--follow", "-l", "1") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        run(live, '"wake"')
        assert any("scoring wake" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error(live: CommandLine) -> None:
    """As in `pilothouse service get-logs … | head -1`."""
    with live.start("service", "get-logs", "-n", "words", "--follow") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        for number in range(20):
            if process.poll() is None:
                run(live, str(number))
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(timeout=30)
    assert "Traceback" not in err
    assert "Exception" not in err
    assert process.returncode == 0


def test_the_timeline_tells_what_happened(live: CommandLine) -> None:
    """Oldest first, with durations; the last one still holds."""
    told = live.data("service", "events", "-n", "words")
    assert told[0]["kind"] == "deploy"
    assert told[0]["actor"]
    assert "Healthy" in [event["state"] for event in told]
    assert told[-1]["seconds"] is None
    assert live.data("service", "events", "-n", "words", "-l", "1") == told[-1:]


def test_a_deployment_that_exists_is_refused(live: CommandLine) -> None:
    """The fix names the ways on."""
    ran = live("model", "deploy", "-n", "words", "-m", "words:1", *CONFIGS)
    assert ran.code == 1
    assert "--overwrite" in ran.err


def test_a_plan_is_shown_and_nothing_is_done(live: CommandLine) -> None:
    """Steps, changes, checks and the command line."""
    plan = live.data("service", "update", "-n", "words", "-m", "words:2", "--dry-run")
    assert (plan["kind"], plan["models"], plan["revision"]) == ("update", ["words:2"], 2)
    assert plan["command"] == "pilothouse service update -n words -m words:2"
    assert all(check["ok"] for check in plan["preflight"])
    table = live("service", "update", "-n", "words", "-m", "words:2", "--dry-run", "-o", "table")
    assert "words:1" in table.out
    assert live.data("service", "show", "-n", "words", "-v")["revision"] == 1


def test_a_model_in_use_is_not_deleted(live: CommandLine) -> None:
    """The error names the service."""
    ran = live("model", "delete", "words:1")
    assert ran.code == 1
    assert "words" in ran.err


def test_update_and_rollback(live: CommandLine) -> None:
    """Only the model changes; the earlier revision comes back; progress goes to stderr."""
    ran = live("service", "update", "-n", "words", "-m", "words:2")
    assert ran.data["state"] == "Healthy"
    assert ran.data["tags"] == {"a": "1"}
    assert "Healthy" in ran.err
    assert run(live) == {"model": "two", "sent": {}}
    back = live("service", "rollback", "-n", "words", "--progress", "json")
    assert back.data["state"] == "Healthy"
    told = [json.loads(line) for line in back.err.splitlines() if line.startswith("{")]
    assert told[0]["event"] == "stageStarted"
    assert told[-1] == {"event": "finished", "name": "words", "state": "Healthy"}
    assert run(live) == {"model": "one", "sent": {}}


def test_an_update_that_names_nothing_is_refused(live: CommandLine) -> None:
    """Exit 2, and nothing rolls out."""
    assert live("service", "update", "-n", "words").code == 2


def test_tags_are_added_and_removed(live: CommandLine) -> None:
    """What is not named stays."""
    line = "--add-tag b=2 --remove-tag a --only-show-errors"
    ran = live("service", "update", "-n", "words", *line.split())
    assert ran.data["tags"] == {"b": "2"}
    assert ran.err == ""


def test_an_update_shows_the_line_that_does_the_same(live: CommandLine) -> None:
    """And the line is one that runs."""
    line = "--add-tag c=3 --add-property p=1 --remove-tag b --dry-run"
    plan = live.data("service", "update", "-n", "words", *line.split())
    words = shlex.split(plan["command"])[1:]
    assert live.data(*words, "--dry-run")["changes"] == plan["changes"]


def test_keys_are_turned_on_by_an_update(live: CommandLine) -> None:
    """Flags are laid over what runs; the rest stays."""
    assert live("service", "get-keys", "-n", "words").code == 2
    assert live("service", "update", "-n", "words", "--auth-enabled", "true").code == 0
    assert live.data("service", "get-keys", "-n", "words")["primaryKey"]
    assert run(live, "1") == {"model": "one", "sent": 1}


def test_wait_tells_by_its_exit_code(live: CommandLine) -> None:
    """0 for Healthy."""
    ran = live("service", "wait", "-n", "words", "--timeout", "30", "--query", "state", "-o", "tsv")
    assert (ran.code, ran.out) == (0, "Healthy\n")


def test_keys_are_printed_and_replaced(cli: CommandLine) -> None:
    """The service answers with the key it was given; the other one is random."""
    cli("model", "register", "-n", "words", "-p", "models")
    line = "--ae true --primary-key firstkey"
    made = cli("model", "deploy", "-n", "keyed", "-m", "words", *CONFIGS, *line.split())
    assert made.code == 0, made.err
    keys = cli.data("service", "get-keys", "-n", "keyed")
    assert keys["primaryKey"] == "firstkey"
    assert run(cli, "1", "keyed") == {"model": "one", "sent": 1}
    changed = cli.data("service", "regen-key", "-n", "keyed", "-k", "primary", "-s", "newkey")
    assert changed == {"primaryKey": "newkey", "secondaryKey": keys["secondaryKey"]}
    assert run(cli, "2", "keyed") == {"model": "one", "sent": 2}
    assert cli("service", "regen-key", "-n", "keyed", "-k", "third").code == 2


def test_stop_start_and_delete(cli: CommandLine) -> None:
    """A stopped service does not answer; a deleted one is not there."""
    cli("model", "register", "-n", "words", "-p", "models")
    assert cli("model", "deploy", "-n", "words", "-m", "words:1", *CONFIGS).code == 0
    assert cli.data("service", "stop", "-n", "words")["state"] == "Stopped"
    ran = cli("service", "run", "-n", "words", "-d", "{}")
    assert ran.code == 3
    assert "`pilothouse service start -n words`" in ran.err
    assert cli("service", "wait", "-n", "words").code == 1
    assert cli.data("service", "start", "-n", "words")["state"] == "Healthy"
    assert cli.data("service", "delete", "-n", "words", "-y") == {"name": "words"}
    ran = cli("service", "delete", "-n", "words")
    assert ran.code == 1
    assert cli.data("service", "list") == []
    assert cli("model", "delete", "words:1").code == 0


def test_the_sample_of_the_model_can_be_sent(cli: CommandLine) -> None:
    """What was registered with the model is a request."""
    sample = ("--sample-input-dataset-id", '{"text": "hello"}')
    cli("model", "register", "-n", "words", "-p", "models", *sample)
    assert cli("model", "deploy", "-n", "words", "-m", "words:1", *CONFIGS).code == 0
    answer = cli.data("service", "run", "-n", "words", "--sample")
    assert answer["sent"] == {"text": "hello"}
