"""The types of the values of a column, by their share; the patterns are those of the identifier types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from datalab.id_types import IdType
from datalab.ingest.formats import has_format, is_float
from datalab.ingest.recognise.facts import MOST, ColumnFacts, ValueType

_AROUND = " \t\n\r\v\f\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""Blanks, and characters that are not visible, which people do not see at the ends of a value."""
_NUMBERS = r"\s*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?\s*(?:[,\s]\s*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?\s*)*"
PATTERNS = {
    ValueType.DECIMAL_COMMA: r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?",
    ValueType.NUMBER_ARRAY: rf"\[{_NUMBERS}\]",
    ValueType.ARRAY: r"(?s)\[.*\]",
}
"""The formats of values that are no ids; they match a whole value without blanks around it."""
_PHONE = r"\+[1-9][0-9]{7,14}|[1-9][0-9]{9,14}"
"""Stricter than the type's own format, which any number has."""
_TOO_WIDE = {IdType.STRING, IdType.ID5, IdType.NET_ID}
"""Types whose format nearly every value has."""
_FEW = 1000
_DIGITS = 4


class _Candidate(NamedTuple):
    name: str
    pattern: str = ""
    is_lower: bool = False


@cache
def formats() -> dict[IdType, tuple[str, bool]]:
    """Return the identifier types that values show, each with its pattern and whether it is in lower case only.

    Of types with the same format, the first one stands for all.
    """
    found: dict[IdType, tuple[str, bool]] = {}
    for id_type in IdType:
        form = id_type.value_format
        if form is None or id_type in _TOO_WIDE or form.pattern in {pattern for pattern, _ in found.values()}:
            continue
        found[id_type] = (_PHONE if id_type is IdType.PHONE_NUMBER else form.pattern, form.is_lower_case)
    return found


def column_facts(values: pa.StringArray, *, only_numbers: bool = False) -> ColumnFacts:
    """Return the facts of one column; null and empty cells are the same.

    Args:
        values: the cells of the column.
        only_numbers: whether to search for numbers only, which is faster.
    """
    count = len(values)
    raw = values.filter(pc.not_equal(values, ""))  # drops nulls too
    trimmed = pc.utf8_trim(raw, _AROUND)
    filled = len(raw)
    if not filled:
        return ColumnFacts(filled=0.0, distinct=0, types={}, exact=1.0)
    shares: dict[str, float] = {}
    most, exact = 0.0, 1.0
    for name, pattern, is_lower in _candidates(trimmed, only_numbers=only_numbers):
        share = _share(trimmed, name, pattern, is_lower)
        if not share:
            continue
        shares[name] = round(share, _DIGITS)
        if share > most:
            most, exact = share, _share(raw, name, pattern) / share
    return ColumnFacts(
        filled=round(filled / count, _DIGITS),
        distinct=pc.count_distinct(trimmed).as_py(),
        types=shares,
        exact=round(min(1.0, exact), _DIGITS),
    )


def id_type_of(values: Sequence[str]) -> IdType:
    """Return the identifier type of the most values; any text if no type has half of them."""
    array = pc.utf8_trim(pa.array(values, pa.string()), _AROUND)
    shares = {
        id_type: _share(array, id_type.value, pattern, is_lower) for id_type, (pattern, is_lower) in formats().items()
    }
    best = max(shares, key=lambda id_type: shares[id_type])
    return best if shares[best] >= 0.5 else IdType.STRING


def lacks_type(cell: str, values: Sequence[str]) -> bool:
    """Return whether nearly all values have a type that the cell does not have."""
    types = column_facts(pa.array(values, pa.string())).types
    own = column_facts(pa.array([cell], pa.string())).types
    return any(share >= MOST and name not in own for name, share in types.items())


def _candidates(values: pa.StringArray, *, only_numbers: bool) -> list[_Candidate]:
    """Return the types that a few values spread over the column have; the others cannot be frequent."""
    step = max(1, len(values) // _FEW)
    few = values.take(pa.array(range(0, len(values), step)))
    every = _numbers() if only_numbers or _share(few, *_numbers()[0]) == 1 else _every_type()
    shares = {one.name: share for one in every if (share := _share(few, *one))}
    if IdType.MAID in shares:  # every OneID is also a mobile advertising id
        shares.pop(IdType.ONE_ID, None)
    if ValueType.ARRAY in shares:
        numbers = shares.get(ValueType.NUMBER_ARRAY, 0.0)
        shares.pop(ValueType.ARRAY if numbers >= MOST else ValueType.NUMBER_ARRAY, None)
    return [one for one in every if one.name in shares]


@cache
def _every_type() -> list[_Candidate]:
    others = [_Candidate(type_.value, pattern) for type_, pattern in PATTERNS.items()]
    ids = [_Candidate(id_type.value, pattern, is_lower) for id_type, (pattern, is_lower) in formats().items()]
    return [_Candidate(ValueType.NUMBER.value), *others, *ids]


@cache
def _numbers() -> list[_Candidate]:
    """Return the types that a number can have."""
    names = (ValueType.NUMBER, ValueType.DECIMAL_COMMA, IdType.PHONE_NUMBER)
    return [one for one in _every_type() if one.name in names]


def _share(values: pa.StringArray, name: str, pattern: str = "", is_lower: bool = False) -> float:
    if name == ValueType.NUMBER:
        matches = is_float(values)
    else:
        matches = has_format(pc.utf8_lower(values) if is_lower else values, pattern)
    return float(matches.true_count) / max(1, len(matches))
