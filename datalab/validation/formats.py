"""What a value of each identifier type, and a float, must look like.

The rules: docs/spec/validation.md#83-format and docs/spec/validation.md#115-types.
Patterns are RE2 and match the whole value: a trailing line break makes it invalid
(docs/spec/validation.md#q20-a-trailing-line-break).
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from datalab.lab import IdType


class Format(NamedTuple):
    """The error code of a wrong value, and the pattern of a right one."""

    code: str
    pattern: str


_SHA256 = Format("INVALID_SHA256_HEX_FORMAT", r"[a-f0-9]{64}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOWER_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UPPER_UUID = r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
_ONE_LINE = r"[^\n\r\x{85}\x{2028}\x{2029}]+"

FORMATS: dict[IdType, Format] = {
    IdType.EMAIL: Format("INVALID_EMAIL_FORMAT", rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*"),
    IdType.HASHED_EMAIL: _SHA256,
    IdType.HASHED_PHONE_NUMBER: _SHA256,
    IdType.HASHED_MAID: _SHA256,
    IdType.PHONE_NUMBER: Format("INVALID_PHONE_E164_NUMBER", r"\+?[1-9][0-9]{1,14}"),
    IdType.MAID: Format("INVALID_MAID_FORMAT", rf"{_LOWER_UUID}|{_UPPER_UUID}"),
    IdType.UTIQ_MARTECH: Format("INVALID_UTIQ_MARTECH_FORMAT", r"(?:mt1|mt2)-[0-9a-zA-Z]+"),
    IdType.UTIQ_ADTECH: Format("INVALID_UTIQ_ADTECH_FORMAT", r"[0-9a-zA-Z+/]+=*--[0-9a-z]+"),
    IdType.FIRST_ID: Format("INVALID_FIRST_ID_FORMAT", r"[0-9a-zA-Z]{32}"),
    IdType.ID5: Format("INVALID_ID5_FORMAT", _ONE_LINE),
    IdType.NET_ID: Format("INVALID_NETID_FORMAT", _ONE_LINE),
    IdType.ONE_ID: Format("INVALID_ONEID_FORMAT", _LOWER_UUID),
    IdType.IPV4_ADDRESS: Format("INVALID_IPV4_FORMAT", rf"(?:{_OCTET}\.){{3}}{_OCTET}"),
}
"""The format of every type but STRING, whose values are never checked."""

_FLOAT = r"(?i)[+-]?(?:inf|infinity|nan|[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?)"

CASE_SENSITIVE_TYPES = frozenset(
    {IdType.EMAIL, IdType.HASHED_EMAIL, IdType.HASHED_PHONE_NUMBER, IdType.HASHED_MAID, IdType.ONE_ID}
)
"""Types whose values must be lower case: upper case is a common, mendable mistake."""


_SLICE = 4096
"""Where some value is wrong, so many are matched one by one; the others are still converted."""


def has_format(values: pa.Array, pattern: str) -> pa.BooleanArray:
    """Return whether each value matches `pattern` as a whole; null for null.

    >>> has_format(pa.array(["10.0.0.1", "10.0.0.256", None]), FORMATS[IdType.IPV4_ADDRESS].pattern).to_pylist()
    [True, False, None]
    """
    return pc.match_substring_regex(values, rf"\A(?:{pattern})\z")


def is_float(values: pa.Array) -> pa.BooleanArray:
    """Return whether each text is a float by docs/spec/validation.md#83-format; null for null.

    Arrow's own conversion accepts exactly that grammar but for `nan(…)`, and is tried first because it is much faster.

    >>> is_float(pa.array(["1.", ".5", "-Infinity", " 1", "nan(1)", None])).to_pylist()
    [True, True, True, False, False, None]
    """
    if _all_floats(values):
        return pc.if_else(pc.is_valid(values), True, None)
    slices = (values[start : start + _SLICE] for start in range(0, len(values), _SLICE))
    return pa.concat_arrays(
        [
            pc.if_else(pc.is_valid(part), True, None) if _all_floats(part) else has_format(part, _FLOAT)
            for part in slices
        ]
    )


def _all_floats(values: pa.Array) -> bool:
    """Whether Arrow converts all values and none of them is a NaN, which it may have spelled `nan(…)`."""
    try:
        return not pc.any(pc.is_nan(pc.cast(values, pa.float64()))).as_py()
    except pa.ArrowInvalid:
        return False
