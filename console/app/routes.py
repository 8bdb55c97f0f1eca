"""Where commands and keys lead: each route is an action of the app with one argument.

`:logs NAME`, a key in a list and the palette all end here. Screens reach a route by
`BaseScreen.go("logs", name)`. Modules of the modes are imported when they are first shown.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.screen import Screen

from backends.errors import NotFound
from console import settings as settings_file
from console import theming
from console.app.shell import errors
from console.app.shell.context import Context

if TYPE_CHECKING:
    from console.app.models.screen import ModelsScreen
    from console.app.services.screen import ServicesScreen


class Routes(App[None]):
    """The routes; the app derives from it."""

    context: Context

    def screen_of(self, mode: str) -> Callable[[], Screen[None]]:
        """Makes the first screen of a mode, importing it only then."""

        def make() -> Screen[None]:
            if mode == "models":
                from console.app.models.screen import ModelsScreen

                return ModelsScreen(self.context)
            if mode == "services":
                from console.app.services.screen import ServicesScreen

                return ServicesScreen(self.context)
            if mode == "targets":
                from console.app.targets.screen import TargetsScreen

                return TargetsScreen(self.context)
            from console.app.activity.screen import ActivityScreen

            return ActivityScreen(self.context)

        return make

    async def show_mode(self, mode: str) -> Screen[object]:
        """Switch to the first screen of a mode; screens above it are closed."""
        await self.switch_mode(mode)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        return self.screen

    async def action_mode(self, mode: str) -> None:
        """Switch to a mode as it was left; pressed again, go to its first screen."""
        if self.current_mode == mode:
            await self.show_mode(mode)
        else:
            await self.switch_mode(mode)

    async def action_models(self, filter_text: str = "") -> None:
        """The models, filtered."""
        screen = cast("ModelsScreen", await self.show_mode("models"))
        screen.set_filter(filter_text)

    async def action_services(self, filter_text: str = "") -> None:
        """The services, filtered."""
        screen = cast("ServicesScreen", await self.show_mode("services"))
        screen.set_filter(filter_text)

    async def action_targets(self, _argument: str = "") -> None:
        """The targets."""
        await self.show_mode("targets")

    async def action_activity(self, _argument: str = "") -> None:
        """What happened."""
        await self.show_mode("activity")

    async def action_service(self, name: str, pane: str = "timeline") -> None:
        """One service: `timeline`, `logs`, `test`, `metrics`, `config` or `revisions` of it."""
        screen = cast("ServicesScreen", await self.show_mode("services"))
        screen.open_service(name, pane)

    async def action_logs(self, name: str) -> None:
        """The logs of a service."""
        await self.action_service(name, "logs")

    async def action_test(self, name: str) -> None:
        """The request tester of a service."""
        await self.action_service(name, "test")

    async def action_deploy(self, reference: str = "") -> None:
        """The wizard, on a model version or on nothing yet."""
        from backends.services.records import DeployRequest
        from console.app.wizard.screen import WizardScreen

        request = DeployRequest(models=(reference,) if reference else ())
        await self.push_screen(WizardScreen(self.context, request))

    async def action_register(self, path: str = "") -> None:
        """The dialog that registers a model."""
        from console.app.models.register import RegisterDialog

        self.context.guard.check("register a model")
        await self.push_screen(RegisterDialog(self.context, path))

    async def action_verify(self, reference: str = "") -> None:
        """Re-hash stored files, of one version or of all."""
        from console.app.models.verify import VerifyDialog

        await self.push_screen(VerifyDialog(self.context, reference))

    def action_theme(self, name: str) -> None:
        """Switch the theme, now and for the next start."""
        self.use_theme(name)
        settings_file.save_theme(name)

    def use_theme(self, name: str) -> None:
        """Switch the theme.

        Raises:
            NotFound: there is no such theme; those there are get named.
            InvalidInput: its file is wrong.
        """
        files = theming.theme_files()
        if name not in files:
            raise NotFound(f"There is no theme '{name}'.", fix=f"Themes: {', '.join(files)}.")
        theme = theming.to_textual(theming.load_theme(files[name]))
        self.register_theme(theme)
        if self.is_running or theme.ansi:
            self.theme = name
        else:  # applied with everything else when the app starts: once, not twice
            self.set_reactive(App.theme, name)
            self.stylesheet.set_variables(self.get_css_variables())

    def say(self, sentence: str) -> None:
        """A toast that passes."""
        errors.notice(self, sentence)
