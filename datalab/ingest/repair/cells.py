"""Steps about the cells of rows: blanks, decimal commas, upper case, values that must be hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.id_types import IdType
from datalab.ingest.formats import has_format
from datalab.ingest.recognise.columns import PATTERNS
from datalab.ingest.recognise.facts import MOST, ValueType
from datalab.ingest.repair.chunk import Chunk, Mask, as_mask, bytes_of, is_graphic
from datalab.ingest.repair.step import Change, Look, Step, StepName, touched
from datalab.ingest.split import WHITE_SPACE
from datalab.kinds import KINDS, MATCHING, Column, ColumnType
from datalab.lab import USER_ID

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
"""Characters without a width; inside names of segments they can be right, inside ids never."""
_ANY_INVISIBLE = "[\\x{00ad}\\x{200b}-\\x{200d}\\x{2060}\\x{feff}]"
_AROUND = WHITE_SPACE + _INVISIBLE
_PHONE_SIGNS = r"[ \x{00a0}().\-/]"
_PHONE = r"\+[1-9][0-9]{7,14}"
_MAY_BE_PHONE = r"(?:\+|00)[ \x{00a0}().\-/0-9]{8,40}"
_TRUNK_ZERO = r"\(\s*0\s*\)"


# Blanks and invisible characters.


def _blanks(look: Look) -> Change | None:
    schema = look.schema or (None,) * look.width
    return _if_it_touches(look, lambda chunk: _trimmed(chunk, schema))


def _if_it_touches(look: Look, change: Change) -> Change | None:
    """Return the change if it touches a row of the sample."""
    return change if change(look.chunk)[1] else None


def _trimmed(chunk: Chunk, schema: tuple[Column | None, ...]) -> tuple[Chunk, int]:
    changed = np.zeros(len(chunk.at), bool)
    columns = list(chunk.columns)
    for number, column in enumerate(columns):
        if is_graphic(column):
            continue
        declared = schema[number]
        is_id = number == 0 or (declared is not None and declared.id_format is not None)
        value = column
        if is_id and not bytes_of(column).isascii():
            value = pc.replace_substring_regex(value, _ANY_INVISIBLE, "")
        value = pc.utf8_trim(value, _AROUND)
        value = pc.if_else(pc.equal(value, ""), column, value)  # a cell of blanks only is a value, which may be valid
        changed |= as_mask(pc.not_equal(pc.fill_null(value, ""), pc.fill_null(column, "")))
        columns[number] = value
    return chunk.with_columns(columns), touched(changed)


# Decimal commas.


def _decimals(look: Look) -> Change | None:
    numbers = [number for number, column in enumerate(look.schema or ()) if column.type is ColumnType.NUMBER]
    pattern = PATTERNS[ValueType.DECIMAL_COMMA]
    with_comma = with_point = 0
    for number in numbers:
        data = bytes_of(look.columns[number])
        if b"," in data:
            with_comma += touched(as_mask(has_format(look.columns[number], pattern)))
        if b"." in data:
            with_point += touched(as_mask(pc.match_substring(look.columns[number], ".")))
    if not with_comma or with_comma < MOST * (with_comma + with_point):
        return None
    return lambda chunk: _with_points(chunk, numbers, pattern)


def _with_points(chunk: Chunk, numbers: list[int], pattern: str) -> tuple[Chunk, int]:
    changed = np.zeros(len(chunk.at), bool)
    columns = list(chunk.columns)
    for number in numbers:
        column = columns[number]
        if b"," not in bytes_of(column):
            continue
        matches = as_mask(has_format(column, pattern))
        columns[number] = pc.if_else(pa.array(matches), pc.replace_substring(column, ",", "."), column)
        changed |= matches
    return chunk.with_columns(columns), touched(changed)


# Ids in upper case, and values that must be hashed.

_Rule = Callable[[pa.StringArray, IdType], tuple[Mask, pa.StringArray]]
"""Returns which cells change, and the new cells."""


def _lower_case(look: Look) -> Change | None:
    return _of_ids(look, _in_lower_case, lambda id_type: id_type.value_format is not None)


def _hash(look: Look) -> Change | None:
    if look.lab is None:  # plain values can be what a lab wants
        return None
    return _of_ids(look, _hashed, lambda id_type: id_type in _HASHES)


def _of_ids(look: Look, rule: _Rule, concerns: Callable[[IdType], bool]) -> Change | None:
    types = {name: id_type for name, id_type in look.id_types.items() if concerns(id_type)}
    if look.schema is None or not types:
        return None
    forms = KINDS[MATCHING].file_forms
    has_names = look.kind is MATCHING and look.width == max(forms)
    has_other = look.kind is MATCHING and look.lab is not None and look.width == min(forms) + 1
    other = look.lab.other_id.id_name if look.lab is not None and has_other else None

    def change(chunk: Chunk) -> tuple[Chunk, int]:
        columns = list(chunk.columns)
        changed = np.zeros(len(chunk.at), bool)
        for number, rows, id_type in _places(chunk, types, other, has_names):
            mask, values = _where(columns[number], rows, id_type, rule)
            columns[number] = values
            changed |= mask
        return chunk.with_columns(columns), touched(changed)

    return _if_it_touches(look, change)


def _places(
    chunk: Chunk, types: dict[str, IdType], other: str | None, has_names: bool
) -> Iterator[tuple[int, Mask | None, IdType]]:
    """Yield the columns with ids, the rows in which they have a type (None: all), and the type."""
    if USER_ID in types:
        yield 0, None, types[USER_ID]
    if has_names:
        for name, id_type in types.items():
            rows = as_mask(pc.equal(chunk.columns[1], name))
            if rows.any():
                yield 2, None if rows.all() else rows, id_type
    elif other in types:
        yield 1, None, types[other]


def _where(column: pa.StringArray, rows: Mask | None, id_type: IdType, rule: _Rule) -> tuple[Mask, pa.StringArray]:
    if rows is None:
        mask, values = rule(column, id_type)
        return mask, values
    some = column.filter(pa.array(rows))
    mask, values = rule(some, id_type)
    if not mask.any():
        return np.zeros(len(column), bool), column
    every = np.zeros(len(column), bool)
    every[np.flatnonzero(rows)[mask]] = True
    return every, pc.replace_with_mask(column, pa.array(every), values.filter(pa.array(mask)))


def _in_lower_case(column: pa.StringArray, id_type: IdType) -> tuple[Mask, pa.StringArray]:
    """Make values lower case that have the format of their type only then."""
    assert id_type.value_format is not None
    lower = pc.utf8_lower(column)
    differs = as_mask(pc.not_equal(lower, column))
    if not differs.any():
        return differs, column
    pattern = id_type.value_format.pattern
    some = pa.array(differs)
    fits = as_mask(has_format(lower.filter(some), pattern)) & ~as_mask(has_format(column.filter(some), pattern))
    differs[differs] = fits
    return differs, pc.if_else(pa.array(differs), lower, column)


def _hashed(column: pa.StringArray, id_type: IdType) -> tuple[Mask, pa.StringArray]:
    assert id_type.value_format is not None
    plain = ~as_mask(has_format(column, id_type.value_format.pattern))
    if not plain.any():
        return plain, column
    fits, values = _HASHES[id_type](column.filter(pa.array(plain)))
    plain[plain] = fits
    return plain, pc.replace_with_mask(column, pa.array(plain), _sha256(values.filter(pa.array(fits))))


def _sha256(values: pa.StringArray) -> pa.StringArray:
    """Return the hashes in hex; made as one text, which is much faster than an object for each."""
    digests = b"".join(_digests(values.cast(pa.binary()).to_pylist()))
    ends = np.arange(len(values) + 1, dtype=np.int32) * np.int32(2 * hashlib.sha256().digest_size)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(digests.hex().encode())]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _digests(values: list[bytes]) -> Iterator[bytes]:
    """Yield the SHA-256 of each value; copying an empty hash takes less time than making one."""
    empty = hashlib.sha256()
    for value in values:
        made = empty.copy()
        made.update(value)
        yield made.digest()


def _emails(values: pa.StringArray) -> tuple[Mask, pa.StringArray]:
    """Return which values are e-mail addresses, and the addresses in lower case without blanks around them."""
    assert IdType.EMAIL.value_format is not None
    normal = pc.utf8_lower(values if is_graphic(values) else pc.utf8_trim(values, _AROUND))
    return as_mask(has_format(normal, IdType.EMAIL.value_format.pattern)), normal


def _phones(values: pa.StringArray) -> tuple[Mask, pa.StringArray]:
    """Return which values are phone numbers with a country code, and the numbers in E.164 with a plus."""
    trimmed = pc.utf8_trim(values, _AROUND)
    may = as_mask(has_format(trimmed, _MAY_BE_PHONE)) & ~as_mask(pc.match_substring_regex(trimmed, _TRUNK_ZERO))
    digits = pc.replace_substring_regex(trimmed, _PHONE_SIGNS, "")
    normal = pc.replace_substring_regex(digits, r"\A00", "+")
    return may & as_mask(has_format(normal, _PHONE)), normal


_HASHES = {IdType.HASHED_EMAIL: _emails, IdType.HASHED_PHONE_NUMBER: _phones}

BLANKS = Step(StepName.BLANKS, "Remove blanks around values and invisible characters", _blanks)
STEPS = (
    Step(StepName.DECIMALS, "Write numbers with a decimal point", _decimals),
    Step(StepName.LOWER_CASE, "Write hashes and e-mail addresses in lower case", _lower_case),
    Step(StepName.HASH, "Hash plain e-mail addresses and phone numbers with SHA-256", _hash),
)
