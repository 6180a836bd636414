"""Compares a validation report and surviving rows with what is expected of them; says where they differ.

Key order does not count, nor do the reasons inside messages of damaged containers, which come from libraries
(docs/spec/validation.md#21-file-level-errors). Everything else does: types, order of lists, absent keys and
the text of every row.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Json = Any
Rows = list[list[str]]
"""Rows as text, the names of the columns first; null is the empty text."""

_FREE_REASONS = [
    r"(Could not decompress the uploaded gzip stream: ).*(\. The file may be corrupted or truncated\.)",
    r"(Could not read the uploaded zip archive: ).*(\. The archive may be corrupted, encrypted, or use an .*)",
    r"(Could not read Parquet file: ).*(\. The file may be corrupted or in an unsupported Parquet variant\.)",
    r"(Parquet column '.*' cannot be processed: nested column type \().*(\) — flatten to primitive columns .*)",
    r"(Could not determine the file type: ).*(\. Please re-upload\.)",
]
_PATTERNS = [re.compile(pattern, re.DOTALL) for pattern in _FREE_REASONS]


def report_differences(expected: Json, actual: Json) -> list[str]:
    """Return one line per difference, beginning with the place where it is; nothing when the reports agree.

    >>> report_differences({"a": [1, 2], "b": None}, {"a": [1, "2"]})
    ['$.a[1]: expected 2, got "2"', '$.b: missing, expected null']
    """
    return list(_differences(expected, actual, "$"))


def row_differences(expected: Rows, actual: Rows, most: int = 5) -> list[str]:
    """Return the first few differences between rows, the header among them.

    >>> row_differences([["a"], ["1"]], [["a"]])
    ['rows: expected 1, got 0']
    """
    found = []
    if len(expected) != len(actual):
        found.append(f"rows: expected {len(expected) - 1}, got {len(actual) - 1}")
    pairs = zip(expected, actual, strict=False)
    found += [f"row {i - 1}: expected {e!r}, got {a!r}" for i, (e, a) in enumerate(pairs) if e != a]
    return found[:most]


def rows_of_parquet(path: Path) -> Rows:
    """Return the rows of a Parquet file as a conformance case writes them: floats as Python does."""
    table = pq.read_table(path)
    return [table.column_names, *(list(map(_text, row)) for row in zip(*table.to_pydict().values(), strict=True))]


def rows_of_csv(path: Path) -> Rows:
    """Return the rows of the CSV file of a conformance case."""
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return value


def _differences(expected: Json, actual: Json, place: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key not in actual:
                yield f"{place}.{key}: missing, expected {_shown(expected[key])}"
            elif key not in expected:
                yield f"{place}.{key}: not expected, got {_shown(actual[key])}"
            else:
                yield from _differences(expected[key], actual[key], f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{place}: expected {len(expected)} entries, got {len(actual)}"
        for index, pair in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(*pair, f"{place}[{index}]")
    elif type(expected) is not type(actual) or _without_reason(expected) != _without_reason(actual):
        yield f"{place}: expected {_shown(expected)}, got {_shown(actual)}"


def _without_reason(value: Json) -> Json:
    if isinstance(value, str):
        for pattern in _PATTERNS:
            if match := pattern.fullmatch(value):
                return "…".join(match.groups())
    return value


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."
