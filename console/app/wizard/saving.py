"""The wizard's `ctrl+s`: the files, written as they are shown."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from console.app.shell import errors
from console.app.shell.dialog import Confirm
from console.app.wizard import checks, files
from console.app.wizard.files import Preview
from console.app.wizard.filling import Filling
from console.app.wizard.preview import state
from console.app.wizard.steps import Step


class Saving(Filling):
    """Writes the files of the form; asks before one is overwritten."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="wizard.save", priority=True),
    ]

    class SaveAsked(Message):
        """The files are to be written."""

    def action_save(self) -> None:
        """Write the files that differ from the disk.

        Raises:
            Refused: the console is read-only.
        """
        self.context.guard.check("write config files")
        self.post_message(self.SaveAsked())

    async def on_saving_save_asked(self) -> None:
        """Ask before a file is overwritten.

        Raises:
            Refused: what would be written has errors.
        """
        await self.read_files()
        if self.form is None:
            return
        checks.refuse_unwritable(self.form)
        changed = [each for each in files.previews(self.form) if each.differs]
        there = [each for each in changed if each.before is not None]
        if not there:
            await self._write(changed)
            return

        async def answered(yes: bool | None) -> None:
            if yes:
                await self._write(changed)

        names = ", ".join(each.shown for each in there)
        lines = [f"{each.path}: {state(each)}" for each in there]
        question = Confirm(f"Overwrite {names}?", lines, verb="Overwrite")
        await self.app.push_screen(question, answered)

    async def _write(self, changed: Sequence[Preview]) -> None:
        form = self.form
        if form is None:
            return
        for preview in changed:
            await self.context.threads.run(files.save, preview)
        typed = form.values
        for read in (files.read_inference, files.read_deployment, files.read_conda):
            form = await self.context.threads.run(read, form)
        self.form = form.typed(**typed)
        await self.check()
        names = ", ".join(each.shown for each in changed)
        errors.notice(self.app, f"Written: {names}." if names else "All files are on disk.")
        self.draw()
        if self.step is Step.REVIEW:
            self.make_plan()
