"""Whether the columns of a file are in another order than those of its kind, and which column holds what.

It is only said where the values leave no doubt: a user id may look like anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.formats import has_format, is_float
from datalab.ingest.recognise.decide import AGE, DEMOGRAPHICS, EMBEDDINGS, FEW, GENDER, GROUP_NAME, IDENTIFIERS
from datalab.ingest.recognise.facts import MOST
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import USER_ID, LabDefinition

_SURELY_AN_ID = r"(?s).*[0-9].*[0-9].*[0-9].*|.+@.+"
_HAS_A_DIGIT = r"(?s).*[0-9].*"
_FEWEST_ROWS = 10
_REPEATED = 3


def other_order(kind: DatasetKind, lab: LabDefinition, rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Return which column holds what if the order is another one; empty: it is right, or nothing is certain.

    Args:
        kind: the dataset.
        lab: its lab.
        rows: the first rows of the file of the right width, without header.

    Returns:
        Position in the file, from 0 → name of the column of the kind.
    """
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    if kind is IDENTIFIERS:
        found = _of_ids(columns, lab)
    elif len(rows) < _FEWEST_ROWS or len(columns) < 2:
        found = {}
    elif kind is DEMOGRAPHICS:
        found = _of_demographics(columns)
    elif kind is EMBEDDINGS:
        found = _of_embeddings(columns)
    else:
        found = _of_names(columns)
    names = [column.file_name for column in KINDS[kind].file_columns(lab)]
    return {position: names[column] for position, column in found.items()}


def _of_ids(columns: list[pa.StringArray], lab: LabDefinition) -> dict[int, int]:
    if len(columns) < 2:
        return {}
    if len(columns) == 2:
        form = lab.other_id.id_type.value_format
        if form and _is(columns[0], form.pattern) and not _some(columns[1], form.pattern):
            return {0: 1, 1: 0}
        return {}
    names = [entry.id_name for entry in lab.identifiers_config]
    shares = [_share(pc.is_in(column, pa.array(names))) for column in columns]
    place = max(range(3), key=lambda number: (shares[number], number == 1))
    if shares[place] < MOST:
        return {}
    left, right = (number for number in range(3) if number != place)
    typed = [
        (columns[left].filter(named), columns[right].filter(named), form.pattern)
        for entry in lab.identifiers_config
        if entry.id_name != USER_ID
        and (form := entry.id_type.value_format)
        and pc.any(named := pc.equal(columns[place], entry.id_name)).as_py()
    ]
    if typed and all(_is(one, form) and not _some(other, form) for one, other, form in typed):
        return {place: 1, left: 2, right: 0}
    if place == 1 or shares[1] > 1 - MOST:
        return {}
    if typed and all(_is(other, form) and not _some(one, form) for one, other, form in typed):
        return {place: 1, left: 0, right: 2}
    return {place: 1}


def _of_names(columns: list[pa.StringArray]) -> dict[int, int]:
    if _are_groups(columns[0]) and _are_users(columns[1], columns[0]):
        return {0: 1, 1: 0}
    return {}


def _of_demographics(columns: list[pa.StringArray]) -> dict[int, int]:
    ages = [number for number, column in enumerate(columns) if _is(column, AGE) and _some(column, _HAS_A_DIGIT)]
    genders = [number for number, column in enumerate(columns) if _is(column, GENDER) and not _some(column, "[0-9]+")]
    if len(genders) != 1 or len(ages) != 1 or (ages[0], genders[0]) == (1, 2):
        return {}
    (user,) = {0, 1, 2} - {*ages, *genders}
    if user and not _are_users(columns[user], columns[genders[0]]):
        return {}
    return {user: 0, ages[0]: 1, genders[0]: 2}


def _of_embeddings(columns: list[pa.StringArray]) -> dict[int, int]:
    texts = [number for number, column in enumerate(columns) if not _share(is_float(column.filter(_filled(column))))]
    if len(texts) != 2:
        return {}
    first, second = texts
    if _are_groups(columns[first]) and _are_users(columns[second], columns[first]):
        return {first: 1, second: 0}
    return {first: 0, second: 1} if texts != [0, 1] else {}


def _are_groups(column: pa.StringArray) -> bool:
    """Return whether a column has a few words without digits, each of them often."""
    distinct = pc.count_distinct(column).as_py()
    return distinct <= min(5 * FEW, len(column) // _REPEATED) and _is(column, GROUP_NAME)


def _are_users(column: pa.StringArray, groups: pa.StringArray) -> bool:
    """Return whether a column has ids of users, many more than there are groups."""
    distinct, others = pc.count_distinct(column).as_py(), pc.count_distinct(groups).as_py()
    return distinct >= 2 * others and distinct * _REPEATED > len(column) and _is(column, _SURELY_AN_ID)


def _filled(column: pa.StringArray) -> pa.BooleanArray:
    return pc.not_equal(column, "")


def _is(column: pa.StringArray, pattern: str) -> bool:
    """Return whether nearly all values that are not empty have the format; there is at least one."""
    return _share(has_format(column.filter(_filled(column)), pattern)) >= MOST


def _some(column: pa.StringArray, pattern: str) -> bool:
    """Return whether more than a few values have the format."""
    return _share(has_format(column.filter(_filled(column)), pattern)) > 1 - MOST


def _share(matches: pa.BooleanArray) -> float:
    return float(matches.true_count) / max(1, len(matches))
