"""How a record that holds secrets shows itself in logs and tracebacks."""

from msgspec import Struct


def repr_without(record: Struct, *hidden: str) -> str:
    """The record's usual text without those fields."""
    shown = (
        f"{name}={getattr(record, name)!r}"
        for name in record.__struct_fields__
        if name not in hidden
    )
    return f"{type(record).__name__}({', '.join(shown)})"
