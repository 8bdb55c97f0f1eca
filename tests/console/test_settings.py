from pathlib import Path

from console import settings


def test_a_missing_file_is_all_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none.yaml") == settings.Settings()


def test_every_setting_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("theme: dusk\nread_only: true\nmouse: false\nkeys: {models.register: 'r'}\n")
    found = settings.load(file)
    assert (found.theme, found.read_only, found.mouse) == ("dusk", True, False)
    assert found.keys == {"models.register": "r"}
    assert found.problems == ()


def test_wrong_entries_are_named_and_the_rest_holds(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("theme: light\nread_only: maybe\ncolour: red\n")
    found = settings.load(file)
    assert found.theme == "light"
    assert not found.read_only
    assert "'read_only'" in found.problems[0]
    assert "'colour'" in found.problems[1]


def test_a_file_that_is_not_yaml_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("a: [")
    assert len(settings.load(file).problems) == 1
    file.write_bytes(b"\xff\xfe\x00")
    assert len(settings.load(file).problems) == 1
    file.write_text("- a\n- b\n")
    assert len(settings.load(file).problems) == 1


def test_saving_the_theme_keeps_comments_and_other_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("# mine\ntheme: dark\nread_only: true\n")
    settings.save_theme("light", file)
    assert file.read_text() == "# mine\ntheme: light\nread_only: true\n"


def test_the_first_theme_makes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "settings.yaml"
    settings.save_theme("light", file)
    assert settings.load(file).theme == "light"
