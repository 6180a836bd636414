"""Hints: a publisher's errors that the report counts but does not explain; never part of a report.

A hint gives the number of rows and what to do, and holds no value of a row.
"""

from __future__ import annotations

from datalab.codes import explain
from datalab.formats import counted, number
from datalab.kinds import KINDS
from datalab.lab import LabDefinition
from datalab.results.validation import DatasetFacts, Hint
from datalab.validation.schemas import DatasetSchema


def is_header(record: list[str], schema: DatasetSchema, lab: LabDefinition) -> bool:
    """Return whether a file's first record names the columns, ignoring case and underscores."""
    return _folded(record) in map(_folded, KINDS[schema.kind].headers(lab))


def _folded(names: list[str]) -> list[str]:
    return [name.replace("_", "").lower() for name in names]


def hints(
    facts: DatasetFacts,
    *,
    guessed_encoding: str | None = None,
    replaced_characters: int = 0,
    wrong_case: int = 0,
    unknown_names: int = 0,
) -> list[Hint]:
    """Return the hints that `facts` and the counts of the pass give rise to, the weightiest first."""
    found = []

    def add(code: str, rows: int, seen: str) -> None:
        found.append(Hint(code=code, rows=rows, message=f"{seen} {explain(code).advice}"))

    if facts.foreign_separator_share > 0.5:
        add(
            "POSSIBLE_WRONG_SEPARATOR",
            facts.foreign_separator_rows,
            f"In {counted(facts.foreign_separator_rows, 'row')} ';', tab or '|' stand where commas should.",
        )
    if facts.first_record_is_header:
        add(
            "POSSIBLE_HEADER_ROW",
            1,
            "The first row names the columns and was read as data (1 row).",
        )
    if guessed_encoding:
        add(
            "GUESSED_ENCODING",
            facts.rows,
            f"The file is not UTF-8: it was read ({counted(facts.rows, 'row')}) as {guessed_encoding}, which is "
            "a guess.",
        )
    if replaced_characters:
        rows = min(replaced_characters, facts.rows)
        add(
            "REPLACED_CHARACTERS",
            rows,
            f"{number(replaced_characters)} broken characters were replaced, in at most {counted(rows, 'row')}.",
        )
    if wrong_case:
        add(
            "UPPER_CASE_IDS",
            wrong_case,
            f"{counted(wrong_case, 'row')} would be valid in lower case.",
        )
    # The name in a header row is not an id name of the publisher.
    unknown_names -= facts.first_record_is_header
    if unknown_names > 0:
        add(
            "UNKNOWN_ID_NAMES",
            unknown_names,
            f"The id name in {counted(unknown_names, 'row')} is not in the lab's identifiersConfig; such rows are "
            "accepted unchecked and used by nothing.",
        )
    return found
