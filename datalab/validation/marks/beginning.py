"""What the beginning of a file makes one suspect; its blocks then count exactly how many rows have it.

A clean file gives rise to no suspicion, and costs nothing more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pyarrow as pa

from datalab.ingest.formats import has_format
from datalab.ingest.recognise.facts import MOST
from datalab.ingest.recognise.order import other_order
from datalab.ingest.recognise.records import Split, split
from datalab.ingest.recognise.table import headers
from datalab.kinds import ColumnType
from datalab.lab import LabDefinition
from datalab.validation.marks.patterns import DECIMAL_COMMA, IN_EVERY_VALUE, USER_IDS_WITH_DECIMALS, ValueMark
from datalab.validation.schemas import DatasetSchema

_NOT_DATA = (
    ("an HTML page", re.compile(r"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)),
    ("an XML document", re.compile(r"\s*<(?:\?xml|!--|[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>\s*<)")),
    ("a pointer of Git LFS to the data", re.compile(r"version https://git-lfs\.github\.com/spec/")),
)
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=.?\"?\r?(?:\n|\Z)", re.IGNORECASE)
_LONG = 1 << 15
"""A text that is longer may be cut off in its last record."""
_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL_COMMA = re.compile(rf"(?:{DECIMAL_COMMA})\Z")


@dataclass(frozen=True)
class Beginning:
    """The suspicions."""

    not_data: str = ""
    """What the file is instead of data, with an article."""
    has_separator_line: bool = False
    header: tuple[str, ...] = field(default=(), repr=False)
    """The first record, if it names columns."""
    header_is_odd: bool = False
    """Whether the header has another number of columns than the lab's file."""
    in_every_value: tuple[tuple[int, ValueMark], ...] = ()
    """Column and mark, where nearly all of its first values have the mark."""
    separator: str = ","
    """What separates the columns."""
    has_decimal_commas: bool = False
    has_arrays: bool = False
    """Whether the last cells hold arrays of numbers."""
    counts_rows: bool = False
    """Whether the first column counts the rows."""
    has_empty_end: bool = False
    """Whether the last column is empty in each row."""
    order: tuple[tuple[int, str], ...] = ()
    """Position of a column → what it holds, if the order is another one."""


def begin(text: str, records: Sequence[list[str]], schema: DatasetSchema, lab: LabDefinition) -> Beginning:
    """Return what the first records of a file make one suspect.

    Args:
        text: the beginning of the text; empty: the file is a table.
        records: its first records.
        schema: the rules of the dataset.
        lab: its lab.
    """
    is_separator_line = bool(_SEPARATOR_LINE.match(text))
    not_data = _not_data(text, records)
    records = records[is_separator_line:]
    if not_data or not records:
        return Beginning(not_data, is_separator_line)
    width = Counter(map(len, records)).most_common(1)[0][0]
    rows = [record for record in records if len(record) == width]
    has_header = bool(text) and (len(records[0]) == width or width != schema.file_width) and bool(headers(list(rows)))
    body = [row for row in rows if row != rows[0]] if has_header else rows
    found = Beginning(
        has_separator_line=is_separator_line,
        header=tuple(rows[0]) if has_header else (),
        header_is_odd=has_header and len(rows[0]) != schema.file_width,
    )
    if width == schema.file_width:
        return _of_right_width(found, body, schema, lab)
    return _of_odd_width(found, text, records, body, width)


def _of_right_width(
    found: Beginning, rows: Sequence[list[str]], schema: DatasetSchema, lab: LabDefinition
) -> Beginning:
    fields = dict(vars(found))
    columns = schema.declared.file_columns(lab)
    texts = [number for number, column in enumerate(columns) if column.type is ColumnType.TEXT]
    if rows:
        fields["in_every_value"] = tuple(_in_every_value(rows, texts))
        if schema.kind is not None:
            fields["order"] = tuple(sorted(other_order(schema.kind, lab, rows).items()))
        last = len(rows[0]) - 1
        first_number = len(texts)
        if first_number <= last:
            opened = sum(row[first_number].strip().startswith("[") and row[last].strip().endswith("]") for row in rows)
            fields["has_arrays"] = opened >= MOST * len(rows)
    return Beginning(**fields)


def _in_every_value(rows: Sequence[list[str]], texts: Sequence[int]) -> Iterator[tuple[int, ValueMark]]:
    for column in texts:
        values = pa.array([row[column] for row in rows if row[column]], pa.string())
        marks = (*IN_EVERY_VALUE, USER_IDS_WITH_DECIMALS) if column == 0 else IN_EVERY_VALUE
        for mark in marks:
            if len(values) and has_format(values, mark.pattern).true_count >= MOST * len(values):
                yield column, mark


def _of_odd_width(
    found: Beginning, text: str, records: Sequence[list[str]], rows: Sequence[list[str]], width: int
) -> Beginning:
    fields = dict(vars(found))
    if text:
        read, _ = split(text, is_whole=len(text) < _LONG)
        fields["separator"] = read.separator
        if read.separator != ",":
            return _of_other_separator(fields, read)
    if rows and width > 1:
        last = [row[-1].strip() for row in rows]
        fields["has_arrays"] = _most(value.startswith("[") and value.endswith("]") for value in last)
        fields["has_empty_end"] = len(rows) > 1 and all(not value for value in last)
        fields["counts_rows"] = _counts(rows)
        numbers = [value for row in rows for value in row[2:]]
        fields["has_decimal_commas"] = width > 3 and _most(map(_WHOLE_NUMBER.fullmatch, numbers))
    return Beginning(**fields)


def _of_other_separator(fields: dict[str, object], read: Split) -> Beginning:
    rows = read.rows()
    has_header = bool(headers(rows))
    if has_header:
        fields["header"], fields["header_is_odd"] = tuple(rows[0]), True
    numbers = [row[-1] for row in rows[has_header:]]
    fields["has_decimal_commas"] = _most(map(_DECIMAL_COMMA.match, numbers))
    return Beginning(**fields)  # type: ignore[arg-type]


def _counts(rows: Sequence[list[str]]) -> bool:
    """Return whether the first column counts: 0, 1, 2 …"""
    first = [row[0].strip() for row in rows]
    if len(first) < 3 or not all(value.isascii() and value.isdigit() and len(value) < 12 for value in first):
        return False
    numbers = list(map(int, first))
    steps = [after - before for before, after in pairwise(numbers)]
    return numbers[0] in (0, 1, 2) and all(0 < step <= 3 for step in steps)


def _most(found: Iterator[object]) -> bool:
    every = [bool(one) for one in found]
    return bool(every) and sum(every) >= MOST * len(every)


def _not_data(text: str, records: Sequence[list[str]]) -> str:
    for what, form in _NOT_DATA:
        if form.match(text):
            return what
    lines = [line for line in text[: 1 << 16].splitlines()[:3] if line.strip()][:2]
    if lines and len(lines[0]) < 1 << 15 and all(map(_is_json_object, lines)):
        return "JSON lines"
    return ""


def _is_json_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
