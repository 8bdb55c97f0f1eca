"""What the demo leaves alone."""

from tests.support.commandline import CommandLine


def test_a_workspace_that_the_demo_did_not_make_is_left_alone(cli: CommandLine) -> None:
    """Even when it holds no model yet."""
    (cli.folder / "myenv").mkdir()
    (cli.folder / "myenv" / "azureml_environment.json").write_text('{"name": "mine"}')
    kept = cli("environment", "register", "-d", "myenv", "-w", "demo")
    assert kept.code == 0, kept.err
    ended = cli("demo", "--plain")
    assert (ended.code, "did not make" in ended.err) == (1, True)
    assert [e["name"] for e in cli("environment", "list", "-w", "demo").data] == ["mine"]
