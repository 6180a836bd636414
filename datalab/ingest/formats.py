"""Matches columns of text against the formats of values, and recognises floats.

The rules: docs/spec/validation.md#83-format and docs/spec/validation.md#115-types.

`datalab.id_types` declares the formats of identifier types.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_FLOAT = r"(?i)[+-]?(?:inf|infinity|nan|[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?)"

_SLICE = 4096
"""If a value is wrong, a block of this size is matched one by one; the other blocks are still converted."""


def has_format(values: pa.Array, pattern: str) -> pa.BooleanArray:
    """Return whether each value matches `pattern` as a whole; null for null.

    >>> has_format(pa.array(["mt1-a", "mt3-a", None]), "mt[12]-[a-z]+").to_pylist()
    [True, False, None]
    """
    return pc.match_substring_regex(values, rf"\A(?:{pattern})\z")


def is_float(values: pa.Array) -> pa.BooleanArray:
    """Return whether each text is a float by docs/spec/validation.md#83-format; null for null.

    Arrow's own conversion accepts exactly that grammar except `nan(…)`, and is tried first because it is much faster.

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
    """Return whether Arrow converts all values and none of them is a NaN, which may be spelled `nan(…)`."""
    try:
        return not pc.any(pc.is_nan(pc.cast(values, pa.float64()))).as_py()
    except pa.ArrowInvalid:
        return False
