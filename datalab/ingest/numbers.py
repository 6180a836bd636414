"""When columns of numbers may be read as numbers: where Arrow's reader agrees with the check of their text.

The rule of a number: docs/spec/validation.md#83-format. `datalab.ingest.formats` checks text.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

Numbers = frozenset[int]
"""The columns of a file that are read as numbers; there may be thousands."""
NO_NUMBERS: Numbers = frozenset()

_BLANKS_AROUND = (b" ,", b", ", b" \n", b"\n ", b" \r", b'" ', b' "')


def may_have_blanks_around(data: bytes) -> bool:
    """Return whether a cell of the text may begin or end with a blank, which Arrow leaves out of a number.

    >>> may_have_blanks_around(b"u1,city trips,0.5"), may_have_blanks_around(b"u1,news, 0.5")
    (False, True)
    """
    if b"\t" in data:
        return True
    return b" " in data and (data[:1] == b" " or data[-1:] == b" " or any(blank in data for blank in _BLANKS_AROUND))


def has_nan(rows: pa.RecordBatch, numbers: Numbers) -> bool:
    """Return whether a cell of these columns is a NaN, which Arrow also reads from texts that are no numbers."""
    return any(pc.any(pc.is_nan(rows.column(column))).as_py() for column in numbers)
