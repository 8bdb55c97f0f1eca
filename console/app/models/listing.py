"""A model version as the list shows it: pure."""

from backends.registry.records import ModelRow
from console import present
from console.app.widgets.rows import Column, Row
from console.present import NOTHING, Cell, Tone

COLUMNS = (
    Column(title="NAME", width=18, weight=3),
    Column(title="VER", width=4, right=True),
    Column(title="FRAMEWORK", width=13, weight=1, rank=4),
    Column(title="SIZE", width=7, right=True, rank=3),
    Column(title="AGE", width=4, right=True, rank=2),
    Column(title="TAGS", width=10, weight=4, rank=5),
    Column(title="USED BY", width=7, right=True, rank=1),
)


def row(model: ModelRow, now: float) -> Row:
    """One row."""
    used = str(model.used_by) if model.used_by else NOTHING
    cells = (
        Cell(model.name),
        Cell(str(model.version)),
        Cell(f"{model.framework} {model.framework_version}".strip(), Tone.DIM),
        Cell(present.size(model.size)),
        Cell(present.age(model.created, now), Tone.DIM),
        Cell(present.pairs(model.tags), Tone.DIM),
        Cell(used, Tone.PLAIN if model.used_by else Tone.DIM),
    )
    return Row(model.id, cells)
