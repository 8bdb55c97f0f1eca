"""A Dockerfile's text as instructions (Dockerfile reference, without BuildKit's additions)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backends.errors import InvalidInput

_FILES = frozenset({"ADD", "COPY"})
_SETTINGS = frozenset({"CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"})
_OTHERS = frozenset({"ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})
_OURS = frozenset({"ARG", "FROM", "RUN", "SHELL"})
_WORDS = _FILES | _SETTINGS | _OTHERS | _OURS
_HERE = re.compile(r"(^|\s)<<-?['\"]?[A-Za-z_]")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction."""

    word: str
    """In capitals."""
    text: str
    """What follows it, continuation lines joined."""
    line: int
    """Where it begins, from 1."""

    def __str__(self) -> str:
        return f"{self.word} {self.text}"

    @property
    def words(self) -> list[str] | None:
        """The exec form (`["a", "b"]`); None for the shell form."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        exec_form = isinstance(found, list) and all(isinstance(item, str) for item in found)
        return found if exec_form else None


def parse_dockerfile(text: str, what: str) -> tuple[Instruction, ...]:
    """Its instructions in order.

    Args:
        text: The Dockerfile's.
        what: What a person calls the text, for errors.

    Raises:
        InvalidInput: an unknown instruction, or one that only BuildKit has.
    """
    escape = _escape(text)
    found = []
    for line, logical in _logical_lines(text, escape):
        word, _, rest = logical.partition(" ")
        instruction = Instruction(word.upper(), rest.strip(), line)
        _check(instruction, what)
        found.append(instruction)
    return tuple(found)


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """`$X`, `${X}` and `${X:-default}` replaced; unknown ones are empty."""

    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[3], match[2] or "")

    return _VARIABLE.sub(value, text)


def _escape(text: str) -> str:
    """The escape character that a directive at the very top may change."""
    for line in text.splitlines():
        directive = re.match(r"#\s*(\w+)\s*=\s*(\S+)", line)
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in {"`", "\\"}:
            return directive[2]
    return "\\"


def _logical_lines(text: str, escape: str) -> Iterator[tuple[int, str]]:
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        begun = begun or number
        if plain.endswith(escape):
            parts.append(plain[:-1])
            continue
        yield begun, re.sub(r"^(\S+)\s+", r"\1 ", "".join([*parts, plain]))
        begun, parts = 0, []
    if parts:
        yield begun, re.sub(r"^(\S+)\s+", r"\1 ", "".join(parts))


def _check(instruction: Instruction, what: str) -> None:
    problem = ""
    if instruction.word not in _WORDS:
        problem = "is no Dockerfile instruction"
    elif instruction.word == "RUN" and re.match(r"--(mount|network|security)\b", instruction.text):
        problem = "uses an option that only BuildKit has"
    elif instruction.word in {"RUN", "COPY", "ADD"} and _HERE.search(instruction.text):
        problem = "uses a here-document, which only BuildKit has"
    if problem:
        raise InvalidInput(
            f"Line {instruction.line} of {what} ({_shortened(str(instruction))}) {problem}.",
            fix="Write it in the classic Dockerfile language; indexes, proxies and authorities"
            " of this machine are passed to each RUN anyway.",
        )


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
