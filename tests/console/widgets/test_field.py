import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from backends.configs.field import Field, Kind
from console import theming
from console.app.widgets.choice import Choice, Option
from console.app.widgets.field import FieldRow, Lines, label_of

TEXT = Field(name="n", attribute="resources.memory_gb", key="k", help="What it is.", default="0.5")
SWITCH = Field(name="s", attribute="s", key="s", help="On?", kind=Kind.SWITCH, default="false")
NEEDED = Field(name="c", attribute="c", key="c", help="Which?", choices=("a", "b"), required=True)
TABLE = Field(name="t", attribute="t", key="t", help="Pairs.", kind=Kind.TABLE)
SECRET = Field(name="p", attribute="p", key="p", help="Hidden.", secret=True)


class Form(App[None]):
    """One row, and what it said."""

    def __init__(self, field: Field, value: str = "", options: tuple[Option, ...] = ()) -> None:
        super().__init__()
        dark = theming.to_textual(theming.load_theme(theming.theme_files()["dark"]))
        self.register_theme(dark)
        self.theme = dark.name
        self.field, self.value, self.options = field, value, options
        self.said: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield FieldRow(self.field, self.value, options=self.options)

    @property
    def row(self) -> FieldRow:
        return self.query_one(FieldRow)

    def on_field_row_changed(self, event: FieldRow.Changed) -> None:
        self.said.append((event.name, event.text))


def drawn(choice: Choice) -> str:
    return choice.render().plain


async def test_typing_is_told_and_a_set_text_is_not() -> None:
    app = Form(TEXT, "1")
    async with app.run_test() as pilot:
        app.row.set_text("7")
        await pilot.pause()
        assert app.said == []
        await pilot.press("end", "5")
        assert app.said == [("n", "75")]
        assert app.row.text == "75"


async def test_help_note_and_error_stand_under_the_control() -> None:
    app = Form(TEXT)
    async with app.run_test():
        app.row.error, app.row.note = "no [b]good[/b]\x1b[31m", "seen"
        shown = {
            name: str(app.row.query_one(f".{name}", Static).content) for name in ("error", "note")
        }
        assert shown == {"error": "✖ no [b]good[/b][31m", "note": "seen"}
        assert app.row.query_one(".error").display
        app.row.error = ""
        assert not app.row.query_one(".error").display
        assert app.row.query_one(Input).placeholder == "0.5"


async def test_a_switch_offers_its_default_first() -> None:
    app = Form(SWITCH)
    async with app.run_test() as pilot:
        choice = app.row.query_one(Choice)
        assert drawn(choice) == "● default (false)   ○ true   ○ false"
        app.row.take_focus()
        await pilot.press("right", "right", "right", "left")
        assert [text for _, text in app.said] == ["true", "false", "", "false"]
        assert app.row.text == "false"


async def test_choices_that_do_not_fit_are_shown_one_at_a_time() -> None:
    options = tuple(Option(str(n), f"the long name of choice {n}") for n in range(5))
    app = Form(NEEDED, "3", options=options)
    async with app.run_test(size=(80, 10)):
        assert drawn(app.row.query_one(Choice)) == "‹ the long name of choice 3 ›  4 of 5"


async def test_a_click_chooses() -> None:
    app = Form(NEEDED, "a")
    async with app.run_test() as pilot:
        await pilot.click(Choice, offset=(7, 0))
        assert app.said == [("c", "b")]


async def test_pairs_are_typed_one_a_line() -> None:
    app = Form(TABLE, "a=1")
    async with app.run_test() as pilot:
        app.row.take_focus()
        await pilot.press("enter", *"b=2")
        assert app.row.text == "a=1\nb=2"
        assert app.row.query_one(Lines).size.height == 2


async def test_a_secret_is_not_drawn() -> None:
    app = Form(SECRET, "hunter2")
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "hunter2" not in app.export_screenshot()


@pytest.mark.parametrize(
    ("attribute", "label"),
    [
        ("resources.cpu", "cpu"),
        ("probe.period_seconds", "probe period seconds"),
        ("entry_script", "entry script"),
    ],
)
def test_labels_are_words(attribute: str, label: str) -> None:
    assert label_of(Field(name="n", attribute=attribute, key="", help="")) == label


def test_a_choice_that_is_not_there_falls_back_to_the_first() -> None:
    options = (Option("a", "A"), Option("b", "B"))
    assert Choice(options, "zzz").value == "a"
