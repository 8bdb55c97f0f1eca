"""How a command line begins: what it imports, which words there are, help for all of them."""

import json
import subprocess
import sys

import click
import pytest

from console.cli.config_options import Coded
from console.cli.options import GLOBALS
from tests.support.commandline import ROOT, CommandLine, all_commands

HEAVY = {"textual", "rich", "httpx", "onnxruntime", "docker", "kubernetes", "yaml", "asyncio"}


COMMANDS = all_commands()


@pytest.mark.parametrize("words", ["--help", "model --help", "model deploy --help", "--version"])
def test_help_imports_nothing_heavy(words: str) -> None:
    """Neither an SDK nor a terminal library nor the event loop is loaded for it."""
    code = (
        "import sys, json; from console.cli.main import run; code = run(sys.argv[1:]);"
        "print(json.dumps([code, sorted({n.partition('.')[0] for n in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    ended, modules = json.loads(done.stdout.splitlines()[-1])
    assert ended == 0
    assert HEAVY.isdisjoint(modules)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help(words: str, cli: CommandLine) -> None:
    """Its help names each of its flags, and begins with what the command does."""
    ran = cli(*words.split(), "--help")
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"Usage: pilothouse {words}")
    for param in COMMANDS[words].params:
        if isinstance(param, click.Option):
            assert param.opts[0] in ran.out
            assert param.help, f"{param.opts} has no help"


@pytest.mark.parametrize("words", COMMANDS.keys() - {"completion"})
def test_every_command_takes_the_global_flags(words: str) -> None:
    """All but `-v`, which in environment commands is the version, as in `az ml`."""
    names = {param.name for param in COMMANDS[words].params}
    assert GLOBALS - names <= {"full"}


@pytest.mark.parametrize("words", ["model deploy", "service update"])
def test_short_codes_are_taken_with_one_dash_and_with_two(words: str) -> None:
    """`-ic` as the documentation of 2019 writes it, `--ic` as that of 2021."""
    coded = [param for param in COMMANDS[words].params if isinstance(param, Coded)]
    spellings = {opt for param in coded for opt in param.opts}
    assert {"-ic", "--ic", "-dc", "--dc", "-cc", "--cc", "-ccl", "--ccl"} <= spellings
    for short in (opt for opt in spellings if opt.startswith("--") and len(opt) <= 5):
        assert short[1:] in spellings


def test_no_flag_means_two_things() -> None:
    """No spelling belongs to two parameters of a command."""
    for words, command in COMMANDS.items():
        spelled = [opt for param in command.params for opt in param.opts]
        assert len(spelled) == len(set(spelled)), words


def test_without_words_and_terminal_the_console_is_refused(cli: CommandLine) -> None:
    """The error names commands to use instead."""
    ran = cli.process()
    assert (ran.code, ran.out) == (2, "")
    assert "needs a terminal" in ran.err
    assert "pilothouse --help" in ran.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("mdel list", "Did you mean 'model'?"),
        ("model lst", "Did you mean 'list'?"),
        ("service lst", "Did you mean 'list'?"),
        ("model frobnicate", "There is: register"),
        ("model list --model-nmae x", "--model-name"),
        ("model show", "Name the model"),
        ("model register -n x", "--model-path"),
        ("service show", "--name"),
    ],
)
def test_a_wrong_line_is_told_in_two_lines_and_ends_with_2(
    words: str, hint: str, cli: CommandLine
) -> None:
    """One line says what is wrong, one what to do."""
    ran = cli(*words.split())
    assert (ran.code, ran.out) == (2, "")
    first, second = ran.err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("  fix: ")
    assert hint in ran.err


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("computetarget create aks -n myaks", "computetarget attach aks"),
        ("computetarget delete -n myaks", "computetarget detach"),
        ("service get-access-token -n x", "get-keys"),
        ("run submit-script -e x script.py", "model register"),
        ("endpoint realtime list", "model deploy"),
        ("workspace share -w w --user u", "workspace show"),
    ],
)
def test_what_is_not_offered_says_what_to_do_instead(
    words: str, instead: str, cli: CommandLine
) -> None:
    """Words of `az ml` without a command here end with 1, whatever follows them."""
    ran = cli(*words.split())
    assert (ran.code, ran.out) == (1, "")
    assert instead in ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_back(shell: str, cli: CommandLine) -> None:
    """The script asks this program through its variable."""
    ran = cli("completion", shell)
    assert ran.code == 0
    assert "_PILOTHOUSE_COMPLETE" in ran.out


def test_words_flags_and_models_are_completed(cli: CommandLine) -> None:
    """What the shell's function is answered."""
    cli("model", "register", "-n", "sentiment", "-p", "models")

    def complete(line: str) -> set[str]:
        asked = {"_PILOTHOUSE_COMPLETE": "bash_complete", "COMP_WORDS": line}
        words = {"COMP_CWORD": str(len(line.split(" ")) - 1)}
        done = subprocess.run(
            [sys.executable, "-m", "console"],
            env=cli.environment() | asked | words,
            cwd=cli.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return {line.partition(",")[2] for line in done.stdout.splitlines()}

    assert {"delete", "deploy"} == complete("pilothouse model de")
    assert "--ic" in complete("pilothouse model deploy --i")
    assert {"sentiment:1"} == complete("pilothouse model show -i sen")
    assert {"process"} == complete("pilothouse model deploy --ct pro")
