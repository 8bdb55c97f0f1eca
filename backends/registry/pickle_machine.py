"""A pickle followed opcode by opcode, without running it.

The machine keeps strings, tuples, dictionaries and what is called; everything else is opaque.
That is enough to know each global by name however its name was put on the stack, and to step
over the array bytes that joblib writes into the middle of a pickle. Opcodes: `pickletools` of
the standard library; arrays: `NumpyArrayWrapper` of joblib/numpy_pickle.py.
"""

import math
import pickletools
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from backends.registry.streams import Reader, Unreadable

MAX_OPCODES = 5_000_000
MAX_STACK = 1_000_000
MAX_NESTING = 8
JOBLIB_ARRAY = "joblib.numpy_pickle NumpyArrayWrapper"


class _Opaque:
    """Any value that does not matter here."""


_OPAQUE = _Opaque()
_MARK = _Opaque()


@dataclass(slots=True)
class _Called:
    """What calling `function` with `arguments` gives; `function` itself when they are None."""

    function: str
    arguments: object = None
    state: object = None


@dataclass(slots=True)
class Machine:
    """Follows one pickle; `imports` grows with every global it names."""

    reader: Reader
    imports: set[str]
    depth: int = 0
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    memoized: int = 0
    """Length of the real memo; `memo` leaves opaque values out."""
    gaps: bool = False
    """Python 2 numbers its memo from 1; such pickles have no opcode that asks its length."""

    def run(self) -> None:
        """Follow the pickle to its STOP.

        Raises:
            Unreadable: it is no pickle, or goes beyond what is looked into.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a damaged string's odd escapes are no news
                self._follow_all()
        except (ValueError, IndexError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise error if isinstance(error, Unreadable) else Unreadable(str(error)) from error

    def _follow_all(self) -> None:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(self.reader)):  # type: ignore[arg-type]  # a reader is all it needs
            if count >= MAX_OPCODES or len(self.stack) > MAX_STACK:
                raise Unreadable("it is too long")
            self._follow(opcode, argument)

    def _follow(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        name = opcode.name
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _PUTS:
            self._remember(argument)
        elif name in _GETS:
            self.stack.append(self.memo.get(argument, _OPAQUE))
        elif name in _CALLS:
            _CALLS[name](self, argument)
        else:
            self._generic(opcode)

    def _remember(self, argument: int | None) -> None:
        if argument is None and self.gaps:
            raise Unreadable("its memo has gaps")
        place = self.memoized if argument is None else argument
        self.gaps = self.gaps or place > self.memoized
        self.memoized += place >= self.memoized
        if self.stack[-1] is not _OPAQUE:
            self.memo[place] = self.stack[-1]
        else:
            self.memo.pop(place, None)

    def _generic(self, opcode: pickletools.OpcodeInfo) -> None:
        """Take off what the opcode takes, put on opaque values for what it puts."""
        before = opcode.stack_before
        if pickletools.markobject in before:
            self._to_mark()
            before = before[: before.index(pickletools.markobject)]
        if before:
            del self.stack[len(self.stack) - len(before) :]
        self.stack.extend([_OPAQUE] * len(opcode.stack_after))

    def _to_mark(self) -> list[Any]:
        taken = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    def _import(self, name: str) -> None:
        self.imports.add(name)
        self.stack.append(_Called(name))

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _duplicate(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _global(self, argument: str) -> None:
        self._import(argument)

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise Unreadable("a global's name is made while loading")
        self._import(f"{module} {name}")

    def _extension(self, code: int) -> None:
        self._import(f"copyreg extension-{code}")

    def _instance(self, argument: str) -> None:
        self._to_mark()
        self._import(argument)

    def _object(self, _: Any) -> None:
        function, *arguments = self._to_mark()
        self._call(function, tuple(arguments))

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self._call(function, arguments)

    def _new_keywords(self, _: Any) -> None:
        self.stack.pop()
        self._reduce(None)

    def _call(self, function: object, arguments: object) -> None:
        known = isinstance(function, _Called) and function.arguments is None
        self.stack.append(_Called(function.function, arguments) if known else _OPAQUE)  # type: ignore[attr-defined]  # known says so

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._to_mark()))

    def _tuple_of(self, count: int) -> None:
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.stack.append(items)

    def _dictionary(self, _: Any) -> None:
        self.stack.append({})

    def _set_items(self, _: Any) -> None:
        items = self._to_mark()
        self._fill(items)

    def _set_item(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([key, value])

    def _fill(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict) and len(target) < MAX_STACK:
            pairs = zip(items[::2], items[1::2], strict=False)
            target.update((key, value) for key, value in pairs if isinstance(key, str))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        if isinstance(made, _Called) and made.function == JOBLIB_ARRAY and isinstance(state, dict):
            self._pass_array(state)

    def _pass_array(self, state: dict[str, Any]) -> None:
        """Step over the bytes that follow a joblib array's description."""
        shape, dtype = state.get("shape"), state.get("dtype")
        if not (
            isinstance(dtype, _Called)
            and isinstance(dtype.arguments, tuple)
            and isinstance(shape, tuple)
        ):
            raise Unreadable("an array inside it has no plain shape")
        code = dtype.arguments[0]
        match = re.fullmatch(r"[<>=|]?([a-zA-Z])(\d+)", code if isinstance(code, str) else "")
        if match is None:
            raise Unreadable("an array inside it has no plain element type")
        if match[1] == "O":
            self._nested()
            return
        if state.get("numpy_array_alignment_bytes") not in (None, _OPAQUE):
            self.reader.skip(self.reader.read(1)[0])
        width = int(match[2]) * (4 if match[1] == "U" else 1)
        self.reader.skip(math.prod(int(size) for size in shape) * width)

    def _nested(self) -> None:
        if self.depth >= MAX_NESTING:
            raise Unreadable("pickles inside it are nested too deeply")
        Machine(self.reader, self.imports, self.depth + 1).run()


_VALUES = frozenset(
    {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING"}
    | {"SHORT_BINSTRING", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"}
)
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_CALLS: dict[str, Any] = {
    "MARK": Machine._mark,
    "DUP": Machine._duplicate,
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "EXT1": Machine._extension,
    "EXT2": Machine._extension,
    "EXT4": Machine._extension,
    "INST": Machine._instance,
    "OBJ": Machine._object,
    "REDUCE": Machine._reduce,
    "NEWOBJ": Machine._reduce,
    "NEWOBJ_EX": Machine._new_keywords,
    "TUPLE": Machine._tuple,
    "EMPTY_TUPLE": lambda machine, _: machine._tuple_of(0),
    "TUPLE1": lambda machine, _: machine._tuple_of(1),
    "TUPLE2": lambda machine, _: machine._tuple_of(2),
    "TUPLE3": lambda machine, _: machine._tuple_of(3),
    "EMPTY_DICT": Machine._dictionary,
    "SETITEM": Machine._set_item,
    "SETITEMS": Machine._set_items,
    "BUILD": Machine._build,
}
