"""The filter of every list: its grammar, and what may be typed next."""

from backends.filters.completion import (
    Completion,
    Counted,
    SubjectVocabulary,
    Vocabulary,
    complete,
)
from backends.filters.grammar import (
    MODEL_FIELDS,
    FieldTerm,
    Filter,
    Kind,
    Label,
    Relation,
    Subject,
    Term,
    TermProblem,
    Word,
    parse,
    quoted,
)

__all__ = [
    "MODEL_FIELDS",
    "Completion",
    "Counted",
    "FieldTerm",
    "Filter",
    "Kind",
    "Label",
    "Relation",
    "Subject",
    "SubjectVocabulary",
    "Term",
    "TermProblem",
    "Vocabulary",
    "Word",
    "complete",
    "parse",
    "quoted",
]
