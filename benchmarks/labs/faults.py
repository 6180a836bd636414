"""Which rows of a file are invalid, and how; the numbers are exact, so that a report can be compared with them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datalab.kinds import DatasetKind, Fault
from datalab.sample.draw import Positions, Words, uniform, words

Mask = npt.NDArray[np.bool_]

_FAULTS = {
    DatasetKind.IDENTIFIERS: (Fault.MALFORMED_ID, Fault.MALFORMED_ID, Fault.MISSING, Fault.TOO_NARROW, Fault.TOO_WIDE),
    DatasetKind.SEGMENTS: (Fault.MISSING, Fault.TOO_NARROW, Fault.TOO_WIDE),
    DatasetKind.DEMOGRAPHICS: (Fault.MISSING, Fault.TOO_NARROW, Fault.TOO_WIDE),
    DatasetKind.EMBEDDINGS: (Fault.BAD_NUMBER, Fault.BAD_NUMBER, Fault.MISSING, Fault.TOO_NARROW, Fault.TOO_WIDE),
}
"""Dataset → the faults of its broken rows, each as often as the others of the list."""
_LOW_BITS = np.uint64((1 << 11) - 1)
"""Bits of a word that `uniform` does not use."""


@dataclass(frozen=True)
class Draws:
    """The draws of one dataset: every row is whole, or broken, or it repeats a whole one.

    Row 0 is whole, so that there is one.
    """

    kind: DatasetKind
    seed: int
    rows: int
    broken: float
    repeated: float

    def origins(self, rows: Positions) -> tuple[Positions, int]:
        """Return for each row the row whose cells it has, another one where it repeats that, and how many repeat."""
        origins, again = rows.copy(), np.flatnonzero(self._shares(rows) < self.repeated)
        left = again
        for attempt in itertools.count():
            if not len(left):
                return origins, len(again)
            word = words(self.seed, f"{self.kind}:origin:{attempt}", rows[left])
            origins[left] = (word % np.uint64(self.rows)).astype(np.int64)
            left = left[self._shares(origins[left]) < self.repeated + self.broken]
        raise AssertionError("row 0 is whole")

    def faults(self, rows: Positions) -> dict[Fault, Mask]:
        """Return which rows have which fault."""
        shares = self._shares(rows)
        is_broken = (shares >= self.repeated) & (shares < self.repeated + self.broken)
        faults = _FAULTS[self.kind]
        drawn = (self._words(rows) & _LOW_BITS) % np.uint64(len(faults))
        found: dict[Fault, Mask] = {}
        for number, fault in enumerate(faults):
            found[fault] = found.get(fault, np.zeros(len(rows), bool)) | (is_broken & (drawn == number))
        return found

    def _shares(self, rows: Positions) -> npt.NDArray[np.float64]:
        return np.where(rows == 0, 1.0, uniform(self._words(rows)))

    def _words(self, rows: Positions) -> Words:
        return words(self.seed, f"{self.kind}:fault", rows)


def joined(cells: list[pa.StringArray], separator: str, faults: dict[Fault, Mask]) -> pa.StringArray:
    """Return rows as text, without the ends of their lines, with these faults."""
    last = cells[-1]
    first = _replaced(cells[0], faults[Fault.MISSING], lambda values: pa.repeat(pa.scalar(""), len(values)))
    last = _replaced(last, faults.get(Fault.MALFORMED_ID), _malformed)
    last = _replaced(last, faults.get(Fault.BAD_NUMBER), lambda values: pc.binary_join_element_wise("x", values, ""))
    rows = pc.binary_join_element_wise(first, *cells[1:-1], last, separator)
    narrow = faults[Fault.TOO_NARROW]
    if narrow.any():
        short = [cell.filter(pa.array(narrow)) for cell in cells[:-1]]
        rows = pc.replace_with_mask(rows, pa.array(narrow), pc.binary_join_element_wise(*short, separator))
    return _replaced(
        rows, faults[Fault.TOO_WIDE], lambda values: pc.binary_join_element_wise(values, "true", separator)
    )


def _replaced(
    values: pa.StringArray, where: Mask | None, change: Callable[[pa.StringArray], pa.StringArray]
) -> pa.StringArray:
    if where is None or not where.any():
        return values
    mask = pa.array(where)
    return pc.replace_with_mask(values, mask, change(values.filter(mask)))


def _malformed(ids: pa.StringArray) -> pa.StringArray:
    """Return ids of a wrong form: in upper case, which a hint names, or without the last character."""
    upper = pc.binary_join_element_wise("E", pc.utf8_slice_codeunits(pc.utf8_upper(ids), 1, None), "")
    shorter = pc.utf8_slice_codeunits(ids, 0, -1)
    is_hash = pc.equal(pc.binary_length(ids), 64)
    return pc.if_else(is_hash, upper, shorter)
