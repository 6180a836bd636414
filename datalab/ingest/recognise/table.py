"""From the records or the rows of a file to its facts; this module does not open files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from datalab.id_types import IdType
from datalab.ingest.recognise.columns import column_facts, id_type_of, lacks_type
from datalab.ingest.recognise.decide import FEW, Decision, decide
from datalab.ingest.recognise.facts import DESCRIBED_COLUMNS, MOST, MOST_COLUMNS, FileFacts, Form
from datalab.ingest.recognise.header import is_header, names_users
from datalab.ingest.recognise.records import Split, split
from datalab.kinds import KINDS, MATCHING

_LONGEST_ID_NAME = 64
_NAMED_WIDTH = max(KINDS[MATCHING].file_forms)
_FEW_ROWS, _FEW_COLUMNS = 1000, 50


class Recognised(NamedTuple):
    """The facts of a file and, only in the memory of the process that read it, its columns."""

    facts: FileFacts
    columns: Sequence[pa.StringArray] = ()

    def id_types(self) -> dict[str, IdType]:
        """Return the names of the identifiers in the file and the likely type of each; empty if it has no such column.

        The names are values of rows: they are only for the person who has the file.
        """
        facts = self.facts
        if facts.kind is not MATCHING or facts.form is not Form.ROWS or facts.columns != _NAMED_WIDTH:
            return {}
        by_name: dict[str, list[str]] = {}
        for name, value in zip(self.columns[1].to_pylist(), self.columns[2].to_pylist(), strict=True):
            by_name.setdefault(name, []).append(value)
        usual = [name for name in by_name if name and len(name) <= _LONGEST_ID_NAME]
        usual.sort(key=lambda name: -len(by_name[name]))
        return {name: id_type_of(by_name[name]) for name in usual[:FEW]}


def of_text(text: str, known: Mapping[str, Any]) -> Recognised:
    """Return what a text is; `known` are the facts that its file already showed."""
    read, separator_line = split(text, is_whole=known["is_whole"])
    if not read.records:
        return Recognised(FileFacts(**known))
    rows = read.rows()
    count = headers(rows)
    body = rows[1:] if count == 1 else [row for row in rows if row != rows[0]] if count else rows
    known = {
        **known,
        "separator": read.separator,
        "separator_line": separator_line,
        "records": len(read.records),
        "of_width": round(read.share, 4),
        "columns": read.width,
        "headers": count,
    }
    return of_columns(
        [pa.array(column, pa.string()) for column in zip(*(row[:MOST_COLUMNS] for row in body), strict=True)],
        known,
        read,
    )


def of_columns(columns: Sequence[pa.StringArray], known: Mapping[str, Any], read: Split | None = None) -> Recognised:
    """Return what a file with these columns is."""
    columns = columns[:MOST_COLUMNS]
    described = [column_facts(column, only_numbers=number >= _FEW_COLUMNS) for number, column in enumerate(columns)]
    is_regular = read is None or read.share >= MOST
    decision = decide(columns, described) if columns and len(columns[0]) else Decision(None)
    if decision.kind and not is_regular:
        decision = Decision(None, (decision.kind,), decision.form)
    return Recognised(
        FileFacts(
            **known,
            column_facts=tuple(described[:DESCRIBED_COLUMNS]),
            kind=decision.kind,
            possible=decision.possible,
            form=decision.form,
        ),
        columns,
    )


def headers(rows: list[list[str]]) -> int:
    """Return how many records name the columns: the first one, and others equal to it.

    >>> headers([["User ID", "Segment"], ["u1", "sport"], ["User ID", "Segment"], ["u2", "food"]])
    2
    """
    first = rows[0]
    others = [row for row in rows[1:] if row != first]
    if others:
        is_first = is_header(
            first, lambda number: [row[number] for row in others], lambda: _typed(first, others[:_FEW_ROWS])
        )
    else:
        is_plain = not any(map(str.isdigit, first[0]))
        is_first = is_plain and names_users(first[0]) and is_header(first, lambda _: (), list)
    return len(rows) - len(others) if is_first else 0


def _typed(first: list[str], others: list[list[str]]) -> list[int]:
    """Return the columns whose values have a type that their cell of the first record does not have."""
    columns = zip(*(row[:_FEW_COLUMNS] for row in others), strict=True)
    return [number for number, values in enumerate(columns) if lacks_type(first[number], values)]
