from pathlib import Path

import pytest

from backends import paths
from backends.errors import InvalidInput
from console import theming

GOOD = "dark: true\ncolours:\n" + "".join(f'  {role}: "#102030"\n' for role in theming.ROLES)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


BUILT_IN = sorted(path.stem for path in theming.BUILT_IN.glob("*.yaml"))


def test_the_promised_themes_are_there() -> None:
    assert {"dark", "light", "high-contrast", "16-colours"} <= set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_theme_is_good(name: str) -> None:
    theme = theming.load_theme(theming.theme_files()[name])
    assert theming.to_textual(theme).name == name


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "16-colours"])
@pytest.mark.parametrize("role", ["text", "dim", "accent", "good", "busy", "warn", "bad"])
def test_text_stands_out_from_its_ground(name: str, role: str) -> None:
    colours = theming.load_theme(theming.theme_files()[name]).colours
    least = 7.0 if name == "high-contrast" else 3.0
    for ground in ("background", "surface", "raised"):
        assert contrast(colours[role], colours[ground]) >= least
    assert contrast(colours["selection-text"], colours["selection"]) >= 4.5


def test_every_wrong_entry_of_a_theme_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    bad = GOOD.replace('text: "#102030"', "text: blue", 1).replace('  bad: "#102030"\n', "")
    file.write_text(bad + "fonts: big\n")
    with pytest.raises(InvalidInput) as caught:
        theming.load_theme(file)
    for part in ("'text' has to look like", "'bad' is missing", "no entry 'fonts'", str(file)):
        assert part in caught.value.what


@pytest.mark.parametrize("text", ["", "- a", "dark: [", "dark: 3\ncolours: 4", "\x00"])
def test_any_file_gets_a_clear_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput):
        theming.load_theme(file)


def test_the_persons_themes_add_to_the_built_in_ones() -> None:
    folder = paths.settings_dir() / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(GOOD)
    (folder / "broken.yaml").write_text("dark: true")
    good, bad = theming.load_all()
    assert {"mine", "dark"} <= {theme.name for theme in good}
    assert ["broken.yaml" in error.what for error in bad] == [True]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "linux"}, "16-colours"),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, "dark"),
        ({}, "16-colours"),
    ],
)
def test_the_first_theme_suits_the_terminal(environment: dict[str, str], name: str) -> None:
    assert theming.suited(environment) == name
