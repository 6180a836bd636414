"""What a pass over a file has found, for its hints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from datalab.codes import explain
from datalab.formats import counted
from datalab.ingest.broken_quotes import NOT_BROKEN, BrokenQuotes
from datalab.ingest.records import Records
from datalab.lab import LabDefinition
from datalab.results.validation import DatasetFacts, Hint
from datalab.validation.marks import Beginning, Counts, Mark
from datalab.validation.schemas import DatasetSchema

NEARLY_ALL = 0.9
"""The share of rows from which a mark of every row, or of every value, is an error of the whole file."""


@dataclass
class Evidence:
    """The counts of a pass."""

    schema: DatasetSchema
    lab: LabDefinition
    facts: DatasetFacts
    beginning: Beginning = field(default_factory=Beginning)
    counts: Counts = field(default_factory=Counter)
    odd_widths: Counter[int] = field(default_factory=Counter)
    """Wrong number of columns → number of rows."""
    quotes: BrokenQuotes = NOT_BROKEN
    """Of the whole file; its first record is counted from the beginning of the file."""
    tail: bytes = field(default=b"", repr=False)
    """The end of the text."""
    guessed_encoding: str | None = None
    replaced_characters: int = 0
    wrong_case: int = 0
    unknown_names: int = 0

    def add(self, records: Records, counts: Counts, first: int) -> None:
        """Add a block of the file; `first` is the number of its first record."""
        self.counts.update(counts)
        self.odd_widths.update(records.odd_widths)
        if any(records.quotes):
            more, known = records.quotes, self.quotes
            self.quotes = BrokenQuotes(
                known.swallowed + more.swallowed,
                known.first if known.swallowed else first + more.first,
                known.backslashes + more.backslashes,
            )

    @property
    def width(self) -> int:
        """How many columns the lab's file has."""
        return self.schema.file_width

    @property
    def title(self) -> str:
        """The title of the dataset."""
        return self.schema.declared.title

    def of(self, code: str, about: str = "") -> int:
        """Return how many rows have a mark."""
        return self.counts[Mark(code, about)]

    def about(self, code: str) -> dict[str, int]:
        """Return what a mark is about → number of rows, in the order of columns and of the lab's identifiers."""
        found = {mark.about: rows for mark, rows in self.counts.items() if mark.code == code and rows}
        if len(found) < 2:
            return found
        columns = [column.file_name for column in self.schema.declared.file_columns(self.lab)]
        names = [*columns, *(entry.id_name for entry in self.lab.identifiers_config)]
        return {name: found[name] for name in dict.fromkeys(["", *names]) if name in found}


def hint(code: str, rows: int, seen: str) -> Hint:
    """Return a hint that says what was seen and what to do."""
    return Hint(code=code, rows=rows, message=f"{seen} {explain(code).advice}")


def in_rows(by_name: dict[str, int]) -> tuple[int, str]:
    """Return in how many rows at least something is, and where, as text.

    >>> in_rows({"userId": 3, "segment": 1})
    (3, '3 rows of userId and 1 row of segment')
    """
    parts = [f"{counted(rows, 'row')}{f' of {name}' if name else ''}" for name, rows in by_name.items()]
    return max(by_name.values()), " and ".join(parts)
