"""The help sheet: the keys of the view that is shown, and the `:` commands."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from console.app.shell.commands import COMMANDS
from console.app.shell.dialog import Dialog
from console.app.shell.footer import key_name

EVERYWHERE = (
    ("j k ↑ ↓ g G PgUp PgDn", "move"),
    ("enter / esc", "open / back"),
    ("space", "mark, for what is done to several"),
    ("tab", "next pane"),
)
"""Keys that belong to lists rather than to a binding with a name of its own."""


class HelpSheet(Dialog[None]):
    """Keys of `view` (the screen that asked) and all commands."""

    DEFAULT_CSS = """
    HelpSheet > .box { width: 92; }
    """
    title_text = "Keys of this view"
    choices = (("cancel", "Close"),)
    scrolls = True

    def __init__(self, view: Screen[object]) -> None:
        super().__init__()
        self._keys = [*view_keys(view)]

    def compose_content(self) -> ComposeResult:
        """Two lists."""
        yield Static(_columns([*EVERYWHERE, *self._keys]))
        yield Static(Content.styled("\nCommands\n", "bold $accent"))
        yield Static(_columns([(f":{c.name} {c.argument}".strip(), c.help) for c in COMMANDS]))
        yield Static(
            Content.styled("\nFilter: ", "bold $accent")
            + Content("area=mnist  area!=x  area~nis  !term  name:…  size:>10MB  created:<7d")
        )

    def on_mount(self) -> None:
        """Any of esc, enter closes."""
        self.query_one("#cancel").focus()


def view_keys(screen: Screen[object]) -> Iterable[tuple[str, str]]:
    """All named bindings in force: (keys, what they do); keys of one action are joined."""
    found: dict[str, tuple[list[str], str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.id and binding.description and not binding.id.startswith("list."):
            keys, _ = found.setdefault(binding.action, ([], binding.description))
            keys.append(key_name(binding.key))
    return [(" ".join(keys), description) for keys, description in found.values()]


def _columns(rows: list[tuple[str, str]]) -> Content:
    width = max(len(key) for key, _ in rows) + 2
    return Content("\n").join(
        Content.assemble((key.ljust(width), "bold"), (text, "$dim")) for key, text in rows
    )
