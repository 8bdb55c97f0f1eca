"""Themes: YAML files of named colours, checked on load, given to Textual as its own kind."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from backends import paths
from backends.errors import InvalidInput

if TYPE_CHECKING:
    from textual.theme import Theme

BUILT_IN = Path(__file__).parent.parent / "themes"
DEFAULT = "dark"
FEW_COLOURS = "16-colours"

ROLES: Mapping[str, str] = {
    "background": "the screen",
    "surface": "bars and dialogs",
    "raised": "what lies over them: suggestions, toasts",
    "text": "what is read",
    "dim": "secondary text",
    "line": "rules and borders",
    "accent": "where you are",
    "selection": "the row under the cursor",
    "selection-text": "its text",
    "good": "Healthy",
    "busy": "Transitioning",
    "warn": "Unhealthy, Unschedulable",
    "bad": "Failed",
}
"""The colours that a theme has to give, and what each is for."""

HEX = re.compile(r"#[0-9a-fA-F]{6}")
ANSI = re.compile(r"ansi_(default|(bright_)?(black|red|green|yellow|blue|magenta|cyan|white))")


class ColourTheme(Struct, frozen=True, kw_only=True):
    """One theme file."""

    name: str
    title: str
    dark: bool
    ansi: bool
    """Colours are the terminal's own sixteen, not RGB."""
    colours: Mapping[str, str]
    """A colour for each of `ROLES`."""


def theme_files() -> dict[str, Path]:
    """Every theme by name: the built-in ones, and over them the user's."""
    folders = (BUILT_IN, paths.settings_dir() / "themes")
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yaml"))}


def load_theme(path: Path) -> ColourTheme:
    """Read one theme.

    Raises:
        InvalidInput: the file can't be read, or has a wrong or missing entry; all are named.
    """
    import yaml

    try:
        found = yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"Theme {path} can't be read: {error}.", fix="Correct it.") from error
    problems = list(_problems(found))
    if problems:
        raise InvalidInput(
            f"Theme {path}: {'; '.join(problems)}.",
            fix="A theme gives `dark` (true or false) and `colours`: " + ", ".join(ROLES) + ".",
        )
    return ColourTheme(
        name=path.stem,
        title=str(found.get("title", path.stem)),
        dark=found["dark"],
        ansi=found.get("ansi", False),
        colours=found["colours"],
    )


def load_all() -> tuple[tuple[ColourTheme, ...], tuple[InvalidInput, ...]]:
    """All themes that can be used, and what is wrong with the others."""
    good, bad = [], []
    for path in theme_files().values():
        try:
            good.append(load_theme(path))
        except InvalidInput as error:
            bad.append(error)
    return tuple(good), tuple(bad)


def suited(environment: Mapping[str, str]) -> str:
    """Name of the built-in theme that suits the terminal which `environment` describes."""
    many = environment.get("COLORTERM") or "256" in environment.get("TERM", "")
    return DEFAULT if many else FEW_COLOURS


def to_textual(theme: ColourTheme) -> "Theme":
    """The same theme as Textual takes it; our own roles become variables (`$dim`, `$busy` …)."""
    from textual.theme import Theme

    colour = theme.colours
    return Theme(
        name=theme.name,
        primary=colour["accent"],
        secondary=colour["busy"],
        accent=colour["accent"],
        warning=colour["warn"],
        error=colour["bad"],
        success=colour["good"],
        foreground=colour["text"],
        background=colour["background"],
        surface=colour["surface"],
        panel=colour["raised"],
        boost=colour["raised"],
        dark=theme.dark,
        ansi=theme.ansi,
        text_alpha=1.0,
        variables=dict(_variables(colour)),
    )


def _variables(colour: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for role in ("dim", "line", "busy", "good", "warn", "bad", "selection", "selection-text"):
        yield role, colour[role]
    yield "ansi-background", colour["raised"]
    yield "ansi-foreground", colour["text"]
    yield "border", colour["line"]
    yield "border-blurred", colour["line"]
    yield "input-cursor-background", colour["text"]
    yield "input-cursor-foreground", colour["background"]
    yield "input-selection-background", colour["selection"]
    yield "button-focus-text-style", "bold underline"
    yield "block-cursor-background", colour["selection"]
    yield "block-cursor-foreground", colour["selection-text"]
    yield "scrollbar", colour["line"]
    yield "scrollbar-hover", colour["dim"]
    yield "scrollbar-active", colour["accent"]
    for part in ("background", "background-hover", "background-active", "corner-color"):
        yield f"scrollbar-{part}", colour["background"]


def _problems(found: object) -> Iterator[str]:
    if not isinstance(found, dict):
        yield "it has to be a mapping"
        return
    for key in found.keys() - {"title", "dark", "ansi", "colours"}:
        yield f"there is no entry '{key}'"
    if not isinstance(found.get("dark"), bool):
        yield "'dark' has to be true or false"
    if not isinstance(found.get("ansi", False), bool):
        yield "'ansi' has to be true or false"
    colours = found.get("colours")
    yield from _colour_problems(colours if isinstance(colours, dict) else {}, found.get("ansi"))


def _colour_problems(colours: Mapping[object, object], ansi: object) -> Iterator[str]:
    form, example = (ANSI, "ansi_blue") if ansi is True else (HEX, "#2f81f7")
    for role in ROLES.keys() - colours.keys():
        yield f"the colour '{role}' is missing"
    for given, value in colours.items():
        role = str(given)
        if role not in ROLES:
            yield f"there is no colour '{role}'"
        elif not form.fullmatch(str(value)):
            yield f"'{role}' has to look like {example}, not {value!r}"
