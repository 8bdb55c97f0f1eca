"""Everything that can be done here, as the palette (`ctrl+p`) lists it."""

from collections.abc import Iterator

from textual.screen import Screen

from console import theming
from console.app.shell.footer import key_name
from console.app.shell.screen import BaseScreen


def entries(screen: Screen[object]) -> Iterator[tuple[str, str, str]]:
    """(title, help, action); bindings in force first, then the view's own, then the themes."""
    seen = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        known = binding.action in seen or binding.system or not binding.id
        if known or not binding.description or not active.enabled:
            continue
        seen.add(binding.action)
        yield binding.description.capitalize(), f"key {key_name(binding.key)}", binding.action
    if isinstance(screen, BaseScreen):
        yield from screen.palette()
    for name in theming.theme_files():
        yield f"Theme: {name}", "switch now and for the next start", f"app.theme({name!r})"
    yield "Register a model", ":register PATH", "app.register"
    yield "Verify all stored files", ":verify", "app.verify"
