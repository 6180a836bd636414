"""The texts of JSON arrays in the cells of a column.

Nearly all arrays are plain: texts without escapes, or numbers. Arrow takes those apart; others are parsed one by one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.formats import has_format
from datalab.ingest.records import Indexes
from datalab.ingest.repair.chunk import Mask, as_mask
from datalab.ingest.split import WHITE_SPACE

_BLANKS = r"[ \t\n\r]*"
_TEXT = r'"[^"\\\x00-\x1f]*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_OPEN, _CLOSE, _COMMA = rf"{_BLANKS}\[{_BLANKS}", rf"{_BLANKS}\]{_BLANKS}", rf"{_BLANKS},{_BLANKS}"
_OF_TEXTS, _OF_NUMBERS = (rf"{_OPEN}{item}(?:{_COMMA}{item})*{_CLOSE}" for item in (_TEXT, _NUMBER))
_NESTED = '"[' + "".join(f"\\x{{{ord(character):x}}}" for character in WHITE_SPACE) + r"]*\["
"""An item that is the text of an array again."""


@dataclass(frozen=True)
class Items:
    """The items of some cells as texts: trimmed, none empty, none twice in a cell."""

    rows: Indexes
    """The row of each item."""
    texts: pa.StringArray
    is_array: Mask
    """Which cells are arrays of texts or numbers."""


def items_of(column: pa.StringArray, wanted: Mask) -> Items:
    """Return the items of the cells that are `wanted`, in order; nulls are left out."""
    of_texts = wanted & as_mask(has_format(column, _OF_TEXTS)) & ~as_mask(pc.match_substring_regex(column, _NESTED))
    of_numbers = wanted & ~of_texts & as_mask(has_format(column, _OF_NUMBERS))
    found = [
        _split(column, of_texts, rf'\A{_OPEN}"|"{_CLOSE}\z', f'"{_COMMA}"'),
        _split(column, of_numbers, rf"\A{_OPEN}|{_CLOSE}\z", _COMMA),
    ]
    others, parsed = wanted & ~of_texts & ~of_numbers, of_texts | of_numbers
    rows: list[int] = []
    texts: list[str] = []
    for row, text in zip(np.flatnonzero(others).tolist(), column.filter(pa.array(others)).to_pylist(), strict=True):
        items = _items(text)
        if items is not None:
            parsed[row] = True
            rows += [row] * len(items)
            texts += items
    found.append((np.array(rows, np.int64), pa.array(texts, pa.string())))
    every = np.concatenate([rows for rows, _ in found])
    order = np.argsort(every, kind="stable")
    return Items(every[order], pa.concat_arrays([texts for _, texts in found]).take(pa.array(order)), parsed)


def _split(column: pa.StringArray, cells: Mask, around: str, between: str) -> tuple[Indexes, pa.StringArray]:
    """Return row and text of the items of plain arrays."""
    inner = pc.replace_substring_regex(column.filter(pa.array(cells)), around, "")
    lists = pc.split_pattern_regex(inner, between)
    rows = np.flatnonzero(cells)[pc.list_parent_indices(lists).to_numpy()]
    texts = pc.utf8_trim(pc.list_flatten(lists), WHITE_SPACE)
    encoded = texts.dictionary_encode()
    _, first = np.unique(rows * max(1, len(encoded.dictionary)) + encoded.indices.to_numpy(), return_index=True)
    first = np.sort(first)
    first = first[as_mask(pc.not_equal(texts.take(pa.array(first)), ""))]
    return rows[first], texts.take(pa.array(first))


def _items(text: str) -> list[str] | None:
    """Return the texts of a JSON array; None if it is not one, or its texts would be arrays again."""
    try:
        found: Any = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or any(isinstance(item, (list, dict, bool)) for item in found):
        return None
    items = [item.strip(WHITE_SPACE) for item in found if item is not None]
    if any(item.startswith("[") or "\ud800" <= max(item, default="") <= "\udfff" for item in items):
        return None
    return list(dict.fromkeys(filter(None, items)))
