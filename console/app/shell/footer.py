"""The footer: the keys that do something here."""

from collections.abc import Iterable

from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

KEY_NAMES = {
    "escape": "esc",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "exclamation_mark": "!",
    "ampersand": "&",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_name(key: str) -> str:
    """A key as people write it: `question_mark` is `?`, `X` stays `X`."""
    return KEY_NAMES.get(key, key.removeprefix("shift+").upper() if key[:6] == "shift+" else key)


def hints(screen: Screen[object]) -> list[tuple[str, str]]:
    """Key and word of the bindings in force which ask to be shown, the nearest first."""
    found: dict[str, tuple[str, str]] = {}
    unable = getattr(screen, "unable", None)
    for active in screen.active_bindings.values():
        binding = active.binding
        if unable is not None and unable(binding.action):
            continue
        if binding.show and active.enabled:
            found.setdefault(binding.action, (_key(binding), binding.description))
    return list(found.values())


def _key(binding: Binding) -> str:
    return binding.key_display or key_name(binding.key)


class KeyHints(Widget):
    """One line, redrawn when the bindings in force change; what does not fit is left out."""

    DEFAULT_CSS = """
    KeyHints {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $surface;
        text-wrap: nowrap;
    }
    """

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._redraw)

    def _redraw(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """The hints, as many as fit; help comes last and always stays."""
        found = hints(self.screen)
        last = [pair for pair in found if pair[1] == "keys"]
        return _line([pair for pair in found if pair not in last], last, self.size.width)


def _line(first: Iterable[tuple[str, str]], last: list[tuple[str, str]], width: int) -> Content:
    tail = [_hint(*pair) for pair in last]
    room = width - sum(len(part) + 2 for part in tail)
    shown = []
    for pair in first:
        part = _hint(*pair)
        if part.cell_length > room:
            break
        shown.append(part)
        room -= part.cell_length + 2
    return Content("  ").join((*shown, *tail))


def _hint(key: str, word: str) -> Content:
    return Content.assemble((key, "bold $accent"), " ", (word, "$dim"))
