"""Matches columns of text against the formats of values, and recognises floats.

The rules: docs/spec/validation.md#83-format and docs/spec/validation.md#115-types.

`datalab.id_types` declares the formats of identifier types.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_FLOAT = r"(?i)[+-]?(?:inf|infinity|nan|[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?)"

_FIRST = 4096
"""How many values are converted before all of them: a conversion that fails costs more than matching."""


def has_format(values: pa.Array, pattern: str) -> pa.BooleanArray:
    """Return whether each value matches `pattern` as a whole; null for null.

    >>> has_format(pa.array(["mt1-a", "mt3-a", None]), "mt[12]-[a-z]+").to_pylist()
    [True, False, None]
    """
    return pc.match_substring_regex(values, rf"\A(?:{pattern})\z")


def is_float(values: pa.Array) -> pa.BooleanArray:
    """Return whether each text is a float by docs/spec/validation.md#83-format; null for null.

    Arrow's own conversion accepts exactly that grammar except `nan(…)`, and is tried first because it is much faster
    than matching, unless many values are wrong.

    >>> is_float(pa.array(["1.", ".5", "-Infinity", " 1", "nan(1)", None])).to_pylist()
    [True, True, True, False, False, None]
    """
    if _all_floats(values[:_FIRST]) and _all_floats(values[_FIRST:]):
        return pc.if_else(pc.is_valid(values), True, None)
    return has_format(values, _FLOAT)


def _all_floats(values: pa.Array) -> bool:
    """Return whether Arrow converts all values and none of them is a NaN, which may be spelled `nan(…)`."""
    try:
        return not pc.any(pc.is_nan(pc.cast(values, pa.float64()))).as_py()
    except pa.ArrowInvalid:
        return False
