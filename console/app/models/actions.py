"""What can be done with the models in view: deploy, tag, compare, delete."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from backends.errors import Refused
from console import present
from console.app.models import equivalent, facts
from console.app.models.difference import DifferenceScreen
from console.app.shell.dialog import Confirm, Notice
from console.app.shell.screen import BaseScreen

if TYPE_CHECKING:
    from console.app.widgets.table import Table


class ModelActions(BaseScreen):
    """The keys; the screen that derives from it says what they act upon."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "register", "register", id="models.register"),
        Binding("d", "deploy", "deploy", id="models.deploy"),
        Binding("t", "tags", "tags", id="models.tags"),
        Binding("v", "versions", "versions", id="models.versions"),
        Binding("X", "delete", "delete", id="models.delete"),
    ]
    if TYPE_CHECKING:
        list: Table

        @property
        def versions(self) -> Table:
            """The versions of the model under the cursor."""

        @property
        def versions_shown(self) -> bool:
            """Whether they are in view."""

        @property
        def current(self) -> str:
            """`name:version` that keys act upon."""

    def palette(self) -> Sequence[tuple[str, str, str]]:
        """Verify what the cursor is on."""
        if not self.current:
            return ()
        return ((f"Verify {self.current}", "re-hash its files", f"app.verify({self.current!r})"),)

    def copy_text(self) -> str:
        """`name:version`, or the row of the detail."""
        if isinstance(self.focused, type(self.list)) and self.focused is not self.list:
            return self.focused.text_at_cursor()
        return self.current

    def chosen(self) -> tuple[str, ...]:
        """The marked versions, else the one under the cursor."""
        table = self.versions if self.versions.has_focus and self.versions_shown else self.list
        return tuple(sorted(table.marks)) or ((self.current,) if self.current else ())

    def action_register(self) -> None:
        """Register a model."""
        self.go("register")

    def action_deploy(self) -> None:
        """Deploy the version under the cursor."""
        self.go("deploy", self.current)

    @work(group="tags", exit_on_error=False)
    async def action_tags(self) -> None:
        """Change tags, description; add properties."""
        from console.app.models.tags import TagsDialog

        if self.current:
            self.context.guard.check(f"change {self.current}")
            registry = self.context.workspace.registry
            model = await self.context.threads.run(registry.resolve, self.current)
            if await self.app.push_screen_wait(TagsDialog(self.context, model)):
                self.reload()

    def action_versions(self) -> None:
        """To the versions; there, and with two marked in the list, to their difference."""
        if len(self.list.marks) == 2 and self.list.has_focus:
            self.compare(*sorted(self.list.marks, key=_by_version))
        elif self.versions.has_focus and self.versions_shown:
            self.compare_versions()
        elif self.list.at:
            self.show_versions()

    def show_versions(self) -> None:
        """Bring the versions into view, with the cursor on them."""

    def compare_versions(self) -> None:
        """Compare the two marked versions, else the one under the cursor with the one before."""
        table = self.versions
        if len(table.marks) == 2:
            self.compare(*sorted(table.marks, key=_by_version))
            return
        if len(table.marks) > 2:
            raise Refused("More than two versions are marked.", fix="Mark two with space.")
        newer, older = table.at, table.id_at(table.cursor + 1)
        if newer is None or older is None:
            raise Refused("There is no earlier version.", fix="Mark two versions with space.")
        self.compare(older, newer)

    def compare(self, older: str, newer: str) -> None:
        """Show the difference of two versions."""
        self.app.push_screen(DifferenceScreen(self.context, older, newer))

    @work(group="file", exit_on_error=False)
    async def show_file(self, path: str) -> None:
        """Everything about one file of the version under the cursor."""
        registry = self.context.workspace.registry
        model = await self.context.threads.run(registry.resolve, self.list.at or "")
        for file in model.files:
            if file.path == path:
                self.app.push_screen(Notice(path, facts.file_lines(file)))

    @work(group="delete", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the chosen versions, after their name is typed; never one that is used."""
        chosen = self.chosen()
        if not chosen:
            return
        what = chosen[0] if len(chosen) == 1 else present.count(len(chosen), "version")
        self.context.guard.check(f"delete {what}")
        run, registry = self.context.threads.run, self.context.workspace.registry
        used = {each: await run(registry.used_by, each) for each in chosen}
        if any(used.values()):
            self.app.push_screen(Notice(f"Cannot delete {what}", _blocked(used)))
            return
        agreed = await self.app.push_screen_wait(
            Confirm(
                f"Delete {what}?",
                ("Its files go away for good; its number is never used again.", *_several(chosen)),
                verb="Delete",
                typed=what,
                equivalent=equivalent.delete(chosen),
            )
        )
        if agreed:
            for each in chosen:
                await run(registry.delete, each)
            self.list.clear_marks()
            self.versions.clear_marks()
            self.notify(f"Deleted {what}.", markup=False)
            self.reload()


def _by_version(reference: str) -> tuple[str, int]:
    name, _, version = reference.rpartition(":")
    return name, int(version)


def _blocked(used: dict[str, tuple[str, ...]]) -> list[str]:
    lines = [
        f"{each} is used by {', '.join(services)}." for each, services in used.items() if services
    ]
    return [*lines, "", "Update or delete these services first; nothing was deleted."]


def _several(chosen: Sequence[str]) -> Sequence[str]:
    return chosen if len(chosen) > 1 else ()
