"""Steps about columns: too many, arrays in a cell, a column for each identifier, another order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.formats import has_format
from datalab.ingest.recognise.columns import formats, id_type_of
from datalab.ingest.recognise.decide import FEW, SEGMENTS
from datalab.ingest.recognise.facts import MOST, Form, ValueType
from datalab.ingest.records import Indexes
from datalab.ingest.repair.arrays import items_of
from datalab.ingest.repair.chunk import Chunk, Mask, as_mask
from datalab.ingest.repair.step import Change, Look, Step, StepName, touched
from datalab.ingest.split import WHITE_SPACE
from datalab.kinds import KINDS, MATCHING
from datalab.lab import USER_ID

_COUNTED_ROWS = 5
"""The fewest rows whose numbers are seen to count."""
_LONGEST_USER_ID = 4096
"""A longer user id is not written several times."""
_FOLDED = str.maketrans("", "", "_- ")
_ARRAY = r"(?s)\s*\[.*\]\s*"


# Columns that are always empty, or only count.


def _extra(look: Look) -> Change | None:
    if not len(look.chunk.at):
        return None
    wanted = _wanted_width(look)
    empty = [number for number in range(1, look.width) if not look.described[number].filled]
    drop = empty[::-1]
    if wanted is None:
        # Only the last column can be known not to be needed: a file may end each row with a separator.
        drop = drop[:1] if drop and drop[0] == look.width - 1 and look.width > len(KINDS[look.kind].columns) else []
    else:
        drop = drop[: max(0, look.width - wanted)]
    counting = [] if wanted is not None and look.width - len(drop) <= wanted else _counting(look, drop)
    if not drop and not counting:
        return None
    return lambda chunk: _without_columns(chunk, drop, counting)


def _wanted_width(look: Look) -> int | None:
    if look.decision.form is Form.ARRAYS:
        return len(KINDS[look.kind].columns) + (1 if KINDS[look.kind].numbered else 0)
    if look.kind is MATCHING and look.lab is None:
        return max(KINDS[MATCHING].file_forms)
    return look.target


def _counting(look: Look, dropped: list[int]) -> list[int]:
    """Return the column that numbers the rows, if the others alone certainly are the dataset."""
    if len(look.chunk.at) < _COUNTED_ROWS:
        return []
    for number in (0, look.width - 1):
        left = [other for other in range(look.width) if other != number and other not in dropped]
        if number in dropped or not left or not _counts(look.columns[number], look.chunk):
            continue
        if look.decided(left).kind is look.kind:
            return [number]
    return []


def _counts(column: pa.StringArray, chunk: Chunk) -> bool:
    """Return whether the cells are the numbers of their rows, from any first one and in steps of one."""
    if not as_mask(has_format(column, "[0-9]{1,15}")).all():
        return False
    numbers = pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
    return len(numbers) > 1 and bool((np.diff(numbers) == np.diff(chunk.at)).all())


def _without_columns(chunk: Chunk, empty: list[int], counting: list[int]) -> tuple[Chunk, int]:
    """Drop columns from the rows where they hold nothing; the other rows keep them."""
    other = np.zeros(len(chunk.at), bool)
    for number in empty:
        other |= ~_is_blank(chunk.columns[number])
    for number in counting:
        other |= ~as_mask(has_format(chunk.columns[number], "[0-9]{1,15}"))
    left = [number for number in range(len(chunk.columns)) if number not in (*empty, *counting)]
    return chunk.with_unchanged(other).select(left), touched(~other)


def _is_blank(column: pa.StringArray) -> Mask:
    return as_mask(pc.equal(pc.utf8_trim(column.fill_null(""), WHITE_SPACE), ""))


# Arrays in the last column.


def _arrays(look: Look) -> Change | None:
    entry = KINDS[look.kind]
    if look.width < 2 or not look.described[-1].is_of(ValueType.ARRAY, ValueType.NUMBER_ARRAY):
        return None
    if entry.numbered and look.width == len(entry.columns) + 1:
        if not look.described[-1].is_of(ValueType.NUMBER_ARRAY):
            return None
        lengths = Counter(pc.list_value_length(_numbers(look.columns[-1])).to_pylist())
        length = look.lab.num_embeddings if look.lab is not None else lengths.most_common(1)[0][0]
        return (lambda chunk: _to_columns(chunk, length)) if length and length > 1 else None
    if look.kind is SEGMENTS and look.width == len(entry.columns):
        return _to_rows
    return None


def _numbers(column: pa.StringArray) -> pa.ListArray:
    """Return the texts of the numbers of each array."""
    inner = pc.utf8_trim(pc.utf8_trim(column, WHITE_SPACE), "[]")
    return pc.split_pattern(pc.replace_substring_regex(inner, r"\s+", ""), ",")


def _to_columns(chunk: Chunk, length: int) -> tuple[Chunk, int]:
    column = chunk.columns[-1].fill_null("")
    lists = _numbers(column)
    fits = as_mask(has_format(column, _ARRAY)) & as_mask(pc.equal(pc.list_value_length(lists), length))
    chunk = chunk.with_unchanged(~fits)
    cells = pc.list_flatten(lists.filter(pa.array(fits)))
    table = np.arange(len(cells)).reshape(-1, length)
    values = [cells.take(pa.array(table[:, number])) for number in range(length)]
    values = [pc.if_else(pc.equal(value, ""), None, value) for value in values]
    return replace(chunk, columns=(*chunk.columns[:-1], *values), names=()), touched(fits)


def _to_rows(chunk: Chunk) -> tuple[Chunk, int]:
    """Write a row for each text of an array; a row whose cell is no array of texts or numbers stays."""
    column = chunk.columns[-1].fill_null("")
    may = as_mask(has_format(column, _ARRAY)) & _is_short(chunk.columns[0])
    items = items_of(column, may)
    stays = ~items.is_array
    count = touched(~stays)
    kept = np.flatnonzero(stays)
    rows = np.concatenate([items.rows, kept])
    order = np.argsort(rows, kind="stable")
    index = rows[order]
    values = pa.concat_arrays([items.texts, column.take(pa.array(kept))]).take(pa.array(order))
    others = [other.take(pa.array(index)) for other in chunk.columns[:-1]]
    values = pc.if_else(pc.equal(values, ""), None, values)
    return replace(chunk, columns=(*others, values), at=chunk.at[index]), count


def _is_short(column: pa.StringArray) -> Mask:
    return as_mask(pc.less_equal(pc.binary_length(column), _LONGEST_USER_ID))


# A column for each identifier.


def _wide(look: Look) -> Change | None:
    if look.kind is not MATCHING or look.target not in (None, max(KINDS[MATCHING].file_forms)):
        return None
    if look.decision.kind is not MATCHING or look.decision.form is not Form.WIDE:
        return None
    named = {number: name for number in range(1, look.width) if (name := _id_name(look, number))}
    if len(set(named.values())) < len(named) or not named:
        return None
    lab = look.lab.identifiers_config if look.lab is not None else ()
    known = pa.array([*(entry.id_name for entry in lab), *named.values()], pa.string())
    return lambda chunk: _to_long(chunk, named, known)


def _id_name(look: Look, number: int) -> str | None:
    """Return the name of the identifier in a column: the lab's or, without a lab, the one in the header."""
    values = look.columns[number].filter(pc.not_equal(look.columns[number], ""))
    if not len(values):
        return None
    called = look.chunk.names[number].strip(WHITE_SPACE) if look.chunk.names else ""
    found = id_type_of(values.to_pylist())
    if look.lab is None:
        return (called or found.value.lower()) if found in formats() else None
    others = [entry for entry in look.lab.identifiers_config if entry.id_name != USER_ID]
    by_name = [entry for entry in others if _folded(entry.id_name) == _folded(called)]
    by_type = [entry for entry in others if _same_format(entry.id_type.value_format, found.value_format)]
    entry = by_name[0] if by_name else by_type[0] if len(by_type) == 1 else None
    return entry.id_name if entry else None


def _same_format(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one.pattern == other.pattern


def _folded(name: str) -> str:
    return name.translate(_FOLDED).lower()


def _to_long(chunk: Chunk, named: dict[int, str], known: pa.StringArray) -> tuple[Chunk, int]:
    """Write a row for each id of a user; a row without an id, or with a name before its id, stays as it is."""
    ids = [pc.if_else(_blank_cells(chunk.columns[number]), None, chunk.columns[number]) for number in named]
    filled = np.stack([as_mask(pc.is_valid(column)) for column in ids])
    fits = filled.any(axis=0) & as_mask(pc.is_valid(chunk.columns[0])) & _is_short(chunk.columns[0])
    if len(chunk.columns) == max(KINDS[MATCHING].file_forms):
        fits &= ~as_mask(pc.is_in(chunk.columns[1], known))
    chunk = chunk.with_unchanged(~fits)
    rows, columns = np.nonzero(filled[:, fits].T)
    every = pa.concat_arrays([column.filter(pa.array(fits)) for column in ids])
    values = every.take(pa.array(columns * int(fits.sum()) + rows))
    names = pa.array(list(named.values()), pa.string()).take(pa.array(columns))
    users = chunk.columns[0].take(pa.array(rows))
    return replace(chunk, columns=(users, names, values), at=chunk.at[rows], names=()), touched(fits)


def _blank_cells(column: pa.StringArray) -> pa.BooleanArray:
    return pa.array(_is_blank(column))


# Columns in another order.


def _order(look: Look) -> Change | None:
    if look.width != (look.target or len(KINDS[look.kind].columns)) or not 1 < look.width <= 3:
        return None
    if look.decision.kind is look.kind:  # certainly in order
        return None
    right = [order for order in permutations(range(look.width)) if _is_right(look, order)]
    if len(right) != 1 or right[0] == tuple(range(look.width)):
        return None
    seen = pc.value_counts(look.columns[right[0][1]])  # names of ids, or of segments, and how often each is there
    return lambda chunk: _in_order(chunk, right[0], seen)


def _in_order(chunk: Chunk, order: tuple[int, ...], seen: pa.StructArray) -> tuple[Chunk, int]:
    """Put the columns in order, except in rows whose second column holds what is more often in its right place."""

    def times(number: int) -> Indexes:
        place = pc.fill_null(pc.index_in(chunk.columns[number].fill_null(""), seen.field("values")), len(seen))
        found: Indexes = often[place.to_numpy(zero_copy_only=False)]
        return found

    often = np.append(seen.field("counts").to_numpy(zero_copy_only=False), 0)
    stays = times(1) > times(order[1])
    return chunk.with_unchanged(stays).select(order), touched(~stays)


def _is_right(look: Look, order: tuple[int, ...]) -> bool:
    if look.kind is MATCHING and look.width == max(KINDS[MATCHING].file_forms):
        name, user = look.columns[order[1]], look.described[order[0]]
        if look.lab is not None:
            known = pa.array([entry.id_name for entry in look.lab.identifiers_config])
            if as_mask(pc.is_in(name, known)).mean() < MOST:
                return False
        return user.distinct > FEW and look.described[order[1]].distinct <= FEW and _are_ids(look, order[2])
    decision = look.decided(order)
    if look.kind is SEGMENTS:
        users, names = (look.described[number].distinct for number in order)
        return decision.kind is look.kind and users > 2 * names
    return decision.kind is look.kind


def _are_ids(look: Look, number: int) -> bool:
    return any(share >= MOST for share in look.described[number].types.values())


STEPS = (
    Step(StepName.EXTRA_COLUMNS, "Leave out columns that are always empty or only count the rows", _extra),
    Step(StepName.ARRAYS, "Write the values of an array as rows or columns of their own", _arrays, widens=True),
    Step(StepName.WIDE, "Write a row for each id, as userId, idName, id", _wide, widens=True),
    Step(StepName.ORDER, "Put the columns in order", _order),
)
