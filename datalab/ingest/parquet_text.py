"""The text of Parquet values, as in a CSV; `datalab.ingest.parquet` decides which columns are read.

The forms are those of docs/spec/validation.md#b2-text-of-parquet-values.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Arrow writes no timestamps outside about these years (in seconds since 1970), like all other writers.
_ARROW_SECONDS = 30_000 * 31_556_952
_LAST_SECONDS = 260_000 * 31_556_952
_NANOSECONDS_REACH = 2**63 // 10**9 - 2 * 86_400
"""Seconds since 1970 from which a time zone can move nanoseconds beyond 64 bits."""
_LARGE_DECIMALS = (pa.types.is_decimal128, pa.types.is_decimal256)
_UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?", re.ASCII)
_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Z", "GMT"})


class NoTextError(Exception):
    """A column holds values without a text; `reason` names types only, never values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text_of(column: pa.Array) -> pa.StringArray:
    """Return the text of every value; nulls and empty strings are null.

    Raises:
        NoTextError: values of this type have no text.

    >>> text_of(pa.array([1.0, None, 1e-7])).to_pylist()
    ['1.0', None, '1e-7']
    """
    text = _text(column)
    empty = pc.equal(pc.binary_length(text), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), text) if pc.any(empty).as_py() else text


def _text(column: pa.Array) -> pa.StringArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _text(column.storage)
    if pa.types.is_dictionary(kind):
        if len(column.dictionary) > len(column):  # most of it is not used
            return _text(pc.take(column.dictionary, column.indices))
        return pc.take(_text(column.dictionary), column.indices)
    if pa.types.is_float16(kind):
        return _each_distinct(column.view(pa.uint16()), _half_float_text)
    if pa.types.is_floating(kind):
        return _float_text(column)
    if pa.types.is_decimal(kind):
        return _decimal_text(column)
    if pa.types.is_date32(kind):
        return _date_text(column)
    if pa.types.is_date64(kind):
        return _timestamp_text(column.cast(pa.timestamp("ms")))
    if pa.types.is_timestamp(kind):
        return _zoned_text(column) if kind.tz else _timestamp_text(column)
    if pa.types.is_time(kind):
        return _with_short_fraction(column.cast(pa.string()))
    if pa.types.is_duration(kind):
        return _each_distinct(column.cast(pa.int64()), lambda value: _duration_text(value, kind.unit))
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        raise NoTextError(f"values of type {kind} have no text") from None


def text_of_split(seconds: pa.Array, nanoseconds: pa.Array) -> pa.StringArray:
    """Return the text of timestamps whose whole seconds (timestamp[s]) and fractions (0 to 999,999,999 ns) are apart.

    Raises:
        NoTextError: a timestamp is out of the range that has a text.

    >>> text_of_split(pa.array([253402214400], pa.timestamp("s")), pa.array([999_000_000])).to_pylist()
    ['9999-12-31T00:00:00.999']
    """
    digits = pc.utf8_lpad(nanoseconds.cast(pa.string()), 9, "0")
    fraction = _with_short_fraction(pc.binary_join_element_wise(".", digits, ""))
    if seconds.type.tz is None:
        return pc.binary_join_element_wise(_timestamp_text(seconds), fraction, "")
    local, offsets = _local(seconds)
    return pc.binary_join_element_wise(_timestamp_text(local), fraction, offsets, "")


def _each_distinct(column: pa.Array, spell: Callable[[Any], str]) -> pa.StringArray:
    """Spell every distinct value once, in Python."""
    encoded = column.dictionary_encode()
    spelled = pa.array([spell(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(spelled, encoded.indices)


def _float_text(column: pa.Array) -> pa.StringArray:
    """Use Arrow's shortest digits; only the form of small and large numbers differs from Arrow's."""
    first, last = (-6, 13) if pa.types.is_float32(column.type) else (-5, 16)
    text = pc.if_else(pc.is_nan(column), "NaN", column.cast(pa.string()))
    small = pc.and_(pc.less(pc.abs(column), 10.0**first), pc.not_equal(column, 0.0))
    respelled = pc.or_(small, pc.match_substring(text, "e"))
    if pc.any(respelled).as_py():
        numbers = _each_distinct(text.filter(respelled), lambda number: _number_text(Decimal(number), first, last))
        text = pc.replace_with_mask(text, respelled, numbers)
    whole = pc.match_substring_regex(text, "^-?[0-9]+$")
    return pc.if_else(whole, pc.binary_join_element_wise(text, ".0", ""), text)


def _number_text(number: Decimal, first: int, last: int) -> str:
    """Spell a number without an exponent if `first <= exponent < last`, else as `d.ddde<exponent>`."""
    exponent = number.adjusted()
    if first <= exponent < last:
        plain = format(number, "f")
        return plain if "." in plain else f"{plain}.0"
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    sign = "-" if number.is_signed() else ""
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent}"


def _half_float_text(bits: int) -> str:
    """Spell a half float with the digits of a single one, ties rounded up, without exponent or decimal `.0`."""
    value = float(np.uint16(bits).view(np.float16))
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    exact = Decimal(value)
    for digits in range(1, 10) if value else ():
        rounded = Context(prec=digits, rounding=ROUND_HALF_UP).plus(exact)
        if np.float32(float(rounded)) == np.float32(value):
            return format(rounded, "f")
    return format(exact, "f")


def _decimal_text(column: pa.Array) -> pa.StringArray:
    if column.type.scale <= 6:  # Arrow writes longer fractions with an exponent when they are small
        return column.cast(pa.string())
    if not any(is_large(column.type) for is_large in _LARGE_DECIMALS):  # Arrow does not encode smaller ones
        column = column.cast(pa.decimal128(column.type.precision, column.type.scale))
    return _each_distinct(column, lambda value: format(value, "f"))


def _date_text(column: pa.Array) -> pa.StringArray:
    midnights = column.cast(pa.timestamp("s"))
    if _furthest(midnights) > _ARROW_SECONDS:
        return pc.replace_substring_regex(_timestamp_text(midnights), "T00:00:00$", "")
    return _with_year_sign(column.cast(pa.string()))


def _timestamp_text(column: pa.Array) -> pa.StringArray:
    """Spell timestamps without zone; most have no fraction, which is then not formatted."""
    furthest = _furthest(column)
    if furthest > _LAST_SECONDS:
        raise NoTextError("a timestamp is out of range")
    if furthest > _ARROW_SECONDS:
        written = np.datetime_as_string(column.to_numpy(zero_copy_only=False))
        text = pc.if_else(column.is_valid(), pa.array(written.astype(object), pa.string()), None)
        text = pc.replace_substring_regex(text, r"^-(\d{3})-", r"-0\1-")
    else:
        with contextlib.suppress(pa.ArrowInvalid):
            column = column.cast(pa.timestamp("s"))
        text = pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
    return _with_short_fraction(_with_year_sign(text))


def _zoned_text(column: pa.Array) -> pa.StringArray:
    """Spell local times with the offset at each instant, `Z` for none."""
    if column.type.unit == "ns" and _furthest(column.cast(pa.timestamp("ns"))) > _NANOSECONDS_REACH:
        return text_of_split(*_split(column))  # the local time may not fit into 64 bits
    local, offsets = _local(column)
    return pc.binary_join_element_wise(_timestamp_text(local), offsets, "")


def _split(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the whole seconds of timestamps in nanoseconds, and the nanoseconds after them."""
    ticks = column.cast(pa.int64()).fill_null(0).to_numpy()
    seconds, rest = np.divmod(ticks, 10**9)
    whole = pa.array(seconds, mask=column.is_null().to_numpy(zero_copy_only=False))
    return whole.cast(pa.timestamp("s", column.type.tz)), pa.array(rest)


def _local(column: pa.Array) -> tuple[pa.Array, pa.StringArray]:
    """Return the local times of instants without zone, and the text of their offsets."""
    unit, zone = column.type.unit, column.type.tz
    utc = column.cast(pa.timestamp(unit))
    if (fixed := _fixed_offset(zone)) is not None:
        local = pc.add(utc, pa.scalar(fixed * _UNITS_PER_SECOND[unit], pa.duration(unit)))
    else:
        if _furthest(utc) > _ARROW_SECONDS:
            raise NoTextError("a timestamp is out of range")
        try:
            local = pc.local_timestamp(column)
        except pa.ArrowException:
            raise NoTextError("unknown time zone") from None
    ticks = pc.subtract(local.cast(pa.int64()), utc.cast(pa.int64()))
    return local, _each_distinct(ticks, lambda value: _offset_text(value // _UNITS_PER_SECOND[unit]))


def _fixed_offset(zone: str) -> int | None:
    """Return the seconds of a zone that is an offset, such as `+02:00`, `-0530` or `UTC`; None for others."""
    if zone in _UTC_NAMES:
        return 0
    match = _OFFSET.fullmatch(zone)
    if not match:
        return None
    seconds = int(match["hours"]) * 3600 + int(match["minutes"] or 0) * 60
    return -seconds if match["sign"] == "-" else seconds


def _offset_text(seconds: int) -> str:
    if seconds == 0:
        return "Z"
    minutes = (abs(seconds) + 30) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _duration_text(value: int, unit: str) -> str:
    if value == 0:
        return "P0D"
    per_second = _UNITS_PER_SECOND[unit]
    seconds, rest = divmod(abs(value), per_second)
    fraction = f".{rest:0{len(str(per_second)) - 1}}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}PT{seconds}{fraction}S"


def _furthest(column: pa.Array) -> int:
    """Return the largest distance of a timestamp from 1970, in seconds."""
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    furthest = max((abs(end) for end in ends.values() if end is not None), default=0)
    return furthest // _UNITS_PER_SECOND[column.type.unit]


def _with_year_sign(text: pa.StringArray) -> pa.StringArray:
    """Put the plus sign of ISO 8601 before years of more than four digits."""
    long_year = pc.match_substring_regex(text, "^[0-9]{5}")
    if not pc.any(long_year).as_py():
        return text
    return pc.if_else(long_year, pc.binary_join_element_wise("+", text, ""), text)


def _with_short_fraction(text: pa.StringArray) -> pa.StringArray:
    """Leave three, six or nine digits of a fraction, and none of zero."""
    if not pc.any(pc.match_substring(text, ".")).as_py():
        return text
    for pattern, kept in ((r"\.0+$", ""), (r"(\.\d{3})(?:000){1,2}$", r"\1"), (r"(\.\d{6})000$", r"\1")):
        text = pc.replace_substring_regex(text, pattern, kept)
    return text
