"""The file that will be written, as it stands now: coloured, with the changed lines marked."""

import difflib
import re
from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from console.app.wizard.files import Preview
from console.present import plain

TOKENS = {
    "json": re.compile(
        r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
        r"|(?P<word>\b(?:true|false|null)\b|-?\b\d[\d.eE+-]*)|(?P<mark>[{}\[\],:])"
    ),
    "yaml": re.compile(
        r"(?P<comment>#.*)|(?P<key>^\s*(?:- )?[\w.-]+)(?=:(?:\s|$))"
        r"|(?P<word>(?<=: )(?:true|false|null|-?\d[\d.]*)$)|(?P<mark>^\s*-(?= )|:)"
        r"|(?P<text>[^\s:#-][^#]*)"
    ),
}
STYLES = {"key": "$accent", "text": "$good", "word": "$busy", "mark": "$dim", "comment": "$dim"}


class PreviewPane(VerticalScroll):
    """The files of the form, those of the step in view first."""

    DEFAULT_CSS = """
    PreviewPane { height: 1fr; padding: 0 1; }
    PreviewPane Static { height: auto; width: 1fr; }
    """

    _shown: tuple[Preview, ...] = ()

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def show(self, previews: Sequence[Preview]) -> None:
        """Show files under each other."""
        if tuple(previews) == self._shown:
            return
        self._shown = tuple(previews)
        parts = [Content("\n").join((_title(each), *marked_lines(each))) for each in previews]
        self.query_one(Static).update(Content("\n\n").join(parts))


def marked_lines(preview: Preview) -> Iterator[Content]:
    """The lines of the file; one that is not on disk as it is begins with `+`."""
    after = preview.text.splitlines()
    new = set(range(len(after)))
    if preview.before is not None:
        blocks = difflib.SequenceMatcher(
            None, preview.base.splitlines(), after, autojunk=False
        ).get_matching_blocks()
        for block in blocks:
            new -= set(range(block.b, block.b + block.size))
    for number, line in enumerate(after):
        changed = preview.before is not None and number in new
        gutter = Content.styled("+ ", "bold $good") if changed else Content("  ")
        yield gutter + _coloured(plain(line), preview.language)


def state(preview: Preview) -> str:
    """How the file stands to the disk: `new`, `as on disk`, `lines: 1 new, 1 gone`."""
    if preview.before is None:
        words = "new"
    elif not preview.differs:
        words = "as on disk"
    else:
        words = _difference(preview)
    return f"{words} · holds keys: for its owner alone" if preview.secret else words


def _difference(preview: Preview) -> str:
    lines = difflib.ndiff(preview.base.splitlines(), preview.text.splitlines())
    signs = [line[0] for line in lines]
    parts = [f"{signs.count(sign)} {word}" for sign, word in (("+", "new"), ("-", "gone"))]
    said = [part for part in parts if not part.startswith("0")]
    lines_said = f"lines: {', '.join(said)}" if said else "keys change" if preview.secret else ""
    layout = "laid out anew" if preview.base != preview.before else ""
    return ", ".join(filter(None, (lines_said, layout)))


def _title(preview: Preview) -> Content:
    tone = "$dim" if not preview.differs else "$busy"
    return Content.assemble(
        (plain(preview.shown) or "no name yet", "bold"), "  ", (state(preview), tone)
    )


def _coloured(line: str, language: str) -> Content:
    content = Content(line)
    for token in TOKENS[language].finditer(line):
        content = content.stylize(STYLES[token.lastgroup or "mark"], token.start(), token.end())
    return content
