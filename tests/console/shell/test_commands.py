import pytest

from backends.errors import InvalidInput, NotFound
from console.app.routes import Routes
from console.app.shell import commands
from console.app.shell.commands import COMMANDS, Command
from console.app.widgets.prompt import Suggestion


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_leads_somewhere(command: Command) -> None:
    from console.app.app import PilothouseApp

    assert issubclass(PilothouseApp, Routes)
    assert hasattr(PilothouseApp, f"action_{command.action}")


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("models", "models", ""),
        (" :models  area=mnist  stage=prod ", "models", "area=mnist  stage=prod"),
        ("q", "q", ""),
        ("quit", "q", ""),
        ("deploy onnx_mnist:4", "deploy", "onnx_mnist:4"),
    ],
)
def test_a_line_names_a_command_and_its_argument(line: str, name: str, argument: str) -> None:
    command, rest = commands.find(line)
    assert (command.name, rest) == (name, argument)


def test_an_unknown_command_gets_near_names() -> None:
    with pytest.raises(NotFound) as caught:
        commands.find("servces")
    assert ":services" in caught.value.fix


def test_a_missing_argument_is_said() -> None:
    with pytest.raises(InvalidInput, match=":logs needs NAME"):
        commands.find("logs")


def test_names_then_arguments_are_completed() -> None:
    def services(line: str) -> list[Suggestion]:
        return [Suggestion(name, "", 0) for name in ("sentiment",) if line in name]

    offered = commands.suggest("lo", {})
    assert [each.text for each in offered] == ["logs "]
    (found,) = commands.suggest("logs sen", {"service": services})
    assert "logs sen"[: found.start] + found.text == "logs sentiment"
