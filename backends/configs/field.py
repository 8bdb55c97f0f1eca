"""One field of a config file: where it is written, what it means, what it takes."""

import math
import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from backends.configs.compute_type import ComputeType
from backends.configs.problem import Problem, Severity

ANY_TYPE = frozenset(ComputeType)


class Kind(StrEnum):
    """What sort of value a field takes."""

    TEXT = "text"
    PATH = "path"
    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "switch"
    TABLE = "table"
    """Text by text; typed as one `key=value` a line."""
    LIST = "list"
    """Texts; typed one a line."""
    RAW = "raw"
    """Any JSON, kept as written; never typed."""
    CONDA = "conda"
    ENVIRONMENT = "environment"


WORDS = {
    Kind.TEXT: "text",
    Kind.PATH: "a path",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.SWITCH: "true or false",
    Kind.TABLE: "a mapping of names to text",
    Kind.LIST: "a list of texts",
    Kind.RAW: "anything",
    Kind.CONDA: "a conda specification",
    Kind.ENVIRONMENT: "an environment, or the name of one",
}


class Mismatch(ValueError):
    """The value is not of the field's kind; the message completes "it …"."""


class Field(Struct, frozen=True, kw_only=True):
    """One row of the field table; the parser, forms, `--help` and the emitter read it."""

    name: str
    """v1's parameter name (`cpu_cores`): what flags and forms call it."""
    attribute: str
    """Dotted path in the record, as in `resources.cpu`."""
    key: str
    """Dotted path in the file, as in `containerResourceRequirements.cpu`."""
    help: str
    """One line for a person."""
    kind: Kind = Kind.TEXT
    default: str = ""
    """What holds when nothing is said; empty when nothing does."""
    flags: tuple[str, ...] = ()
    """Options of the command line, the short one first."""
    computes: frozenset[ComputeType] = ANY_TYPE
    """Compute types that the field applies to."""
    choices: tuple[str, ...] = ()
    """The only texts allowed; compared without case."""
    above: float | None = None
    """The value must be greater."""
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    """The whole text must match."""
    allows: str = ""
    """What is allowed, where kind and limits do not say it."""
    aliases: tuple[str, ...] = ()
    """Other spellings of the key's last part."""
    any_case: bool = False
    """The key is compared without case."""
    required: bool = False
    secret: bool = False
    """The value never appears in a problem, and is emitted only when asked."""
    shorthand: bool = False
    """Text in place of the enclosing section means this field."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.allows:
            return self.allows
        if self.choices:
            return ", ".join(self.choices)
        return WORDS[self.kind] + self._limits()

    def _limits(self) -> str:
        if self.above is not None:
            upper = "" if self.maximum is None else f", at most {self.maximum:g}"
            return f" above {self.above:g}{upper}"
        if self.minimum is not None and self.maximum is not None:
            return f" from {self.minimum:g} to {self.maximum:g}"
        return "" if self.minimum is None else f", {self.minimum:g} or more"

    def check(self, text: str) -> Problem | None:
        """Say what is wrong with a text typed into a form or given to a flag.

        An empty text means "not said" and is wrong only where the field is required.
        """
        if not text.strip():
            return self.problem("nothing", "is needed") if self.required else None
        try:
            self.convert(text)
        except Mismatch as mismatch:
            return self.problem(text, str(mismatch))
        return None

    def problem(
        self, found: str, message: str, *, file: str = "", line: int | None = None
    ) -> Problem:
        """Make an error about this field; a secret's value is left out."""
        return Problem(
            severity=Severity.ERROR,
            file=file or (self.flags[-1] if self.flags else self.name),
            line=line,
            key=self.key,
            found="hidden" if self.secret else shorten(found),
            allowed=self.allowed,
            message=f"{self.key or self.name} {message}.",
        )

    def convert(self, text: str) -> object:
        """Turn typed text into the value that a file would hold.

        Raises:
            Mismatch: The text is not allowed.
        """
        if not encodable(text):
            raise Mismatch("holds bytes that are no text")
        return self.settle(_CONVERTERS.get(self.kind, _not_typed)(text))

    def settle(self, value: object) -> object:
        """Return the value in its canonical form, within the field's limits.

        Raises:
            Mismatch: The value is outside the limits.
        """
        if isinstance(value, str):
            return self._settle_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._settle_number(value)
        return value

    def _settle_text(self, text: str) -> str:
        if "\0" in text:
            raise Mismatch("holds a NUL character")
        if self.choices and text:
            near = {choice.casefold(): choice for choice in self.choices}
            if text.strip().casefold() not in near:
                raise Mismatch(f"must be one of {self.allowed}{self._shown(text)}")
            return near[text.strip().casefold()]
        if self.pattern and text and not re.fullmatch(self.pattern, text):
            raise Mismatch(f"must be {self.allowed}{self._shown(text)}")
        return text

    def _settle_number(self, value: float) -> None:
        low = (self.above is not None and value <= self.above) or (
            self.minimum is not None and value < self.minimum
        )
        if low or (self.maximum is not None and value > self.maximum):
            raise Mismatch(f"must be {self.allowed}{self._shown(str(value))}")

    def _shown(self, text: str) -> str:
        return "" if self.secret else f", and is {shorten(text)}"


def encodable(text: str) -> bool:
    """The text can be written; an argument of undecodable bytes cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shorten(text: str, limit: int = 60) -> str:
    """Cut a text for a message; what cannot be printed is escaped."""
    clean = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise Mismatch(f"must be a whole number, and is {shorten(text)}")
    return int(text)


def _number(text: str) -> float | int:
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Mismatch(f"must be a number, and is {shorten(text)}")
    return value


def _switch(text: str) -> bool:
    word = text.strip().casefold()
    if word not in {"true", "false"}:
        raise Mismatch(f"must be true or false, and is {shorten(text)}")
    return word == "true"


def _table(text: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for line in filter(str.strip, text.split("\n")):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise Mismatch(f"must be written key=value, and is {shorten(line)}")
        pairs[name.strip()] = value.strip()
    return pairs


def _list(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _not_typed(text: str) -> object:
    raise Mismatch(f"comes from a file, not from text such as {shorten(text)}")


_CONVERTERS = {
    Kind.TEXT: lambda text: text.strip(),
    Kind.PATH: lambda text: text.strip(),
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.SWITCH: _switch,
    Kind.TABLE: _table,
    Kind.LIST: _list,
}
