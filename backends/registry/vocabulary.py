"""What the model list can be filtered by, asked from the index piece by piece."""

from collections.abc import Mapping, Sequence

from backends.database import Database
from backends.filters import MODEL_FIELDS, Counted, Kind

_RANKED = """WHERE {test} instr(casefold({column}), :part) > 0
  ORDER BY instr(casefold({column}), :part) > 1, uses DESC, {column} LIMIT :limit"""
_NAMES = f"SELECT key, uses FROM label_names {_RANKED.format(test='', column='key')}"
_VALUES = (
    f"SELECT value, uses FROM label_values {_RANKED.format(test='key = :key AND', column='value')}"
)
_FIELDS = {
    "name": f"""SELECT name, uses FROM (SELECT name, count(*) AS uses FROM versions GROUP BY name)
                {_RANKED.format(test="", column="name")}""",
    "framework": f"""SELECT framework, uses FROM
                (SELECT framework, count(*) AS uses FROM versions GROUP BY framework)
                {_RANKED.format(test="", column="framework")}""",
}


class IndexVocabulary:
    """The vocabulary of one registry, as it is when it is asked."""

    fields: Mapping[str, Kind] = MODEL_FIELDS

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, part: str, limit: int) -> Sequence[Counted]:
        """Tag and property names, the likeliest first."""
        return self._counted(_NAMES, part=part, limit=limit)

    def values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Values of one tag or property, the likeliest first."""
        return self._counted(_VALUES, key=name, part=part, limit=limit)

    def field_values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Models' names, or frameworks."""
        return self._counted(_FIELDS[name], part=part, limit=limit)

    def _counted(self, query: str, **values: str | int) -> Sequence[Counted]:
        with self._database.read() as db:
            return tuple(Counted(text, count) for text, count in db.execute(query, values))
