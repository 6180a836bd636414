"""How rows of a sample go wrong, in the ways that real files do; nothing here decides what is valid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from datalab.kinds import DatasetKind
from datalab.sample.draw import uniform, words

Cells = list[str]
Fault = Callable[[Cells, Cells, int], Cells]
"""From the cells of a row, the cells of another row that stays as it is, and a random number: the wrong cells."""


def spoiled(
    kind: DatasetKind, seed: int, dirty: float, lines: pa.BinaryArray, first: int
) -> tuple[pa.BinaryArray, int]:
    """Return `lines` with about the share `dirty` of them wrong, and how many are.

    `first` is the row number of the first line; the rows chosen depend on their numbers alone.
    """
    numbers = np.arange(first, first + len(lines), dtype=np.uint64)
    wrong = uniform(words(seed, f"{kind}:dirt", numbers)) < dirty
    rows, clean = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    if not len(rows):
        return lines, 0
    draws = words(seed, f"{kind}:fault", numbers[rows])
    others = clean[draws % np.uint64(len(clean))] if len(clean) else rows
    faults = FAULTS[kind]
    bad = [
        _spoil(faults[draw % len(faults)] if len(clean) else _missing, cells, other, draw // len(faults))
        for cells, other, draw in zip(_cells(lines, rows), _cells(lines, others), draws.tolist(), strict=True)
    ]
    place = np.arange(len(lines))
    place[rows] = np.arange(len(lines), len(lines) + len(rows))
    return pa.concat_arrays([lines, pa.array(bad, type=pa.binary())]).take(pa.array(place)), len(rows)


def _cells(lines: pa.BinaryArray, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[Cells]:
    return [line.decode().rstrip("\n").split(",") for line in lines.take(pa.array(rows)).to_pylist()]


def _spoil(fault: Fault, cells: Cells, other: Cells, draw: int) -> bytes:
    return (",".join(fault(cells, other, draw)) + "\n").encode()


def _missing(cells: Cells, other: Cells, draw: int, columns: int = 1) -> Cells:
    """One of the first `columns` cells is empty."""
    column = draw % columns
    return [*cells[:column], "", *cells[column + 1 :]]


def _too_narrow(cells: Cells, other: Cells, draw: int) -> Cells:
    """The last cell is cut off, or the row was written with another separator."""
    return cells[:-1] if draw % 3 else [";".join(cells)]


def _too_wide(cells: Cells, other: Cells, draw: int) -> Cells:
    return [*cells, ("2026-10-31", "true", "")[draw % 3]]


def _duplicate(cells: Cells, other: Cells, draw: int, key: int = 3) -> Cells:
    """The first `key` cells are those of another row, the rest may contradict it."""
    return [*other[:key], *cells[key:]]


def _malformed_id(cells: Cells, other: Cells, draw: int) -> Cells:
    user, name, value = cells
    if name == "maid":
        wrong = (value.replace("-", ""), "Ab" + value[2:], value[:-1], f"{{{value}}}", "unknown")
    elif name == "hashed_phone":
        wrong = ("E" + value.upper()[1:], value[:40], f"+4915{draw % 10**8:08d}", f"0x{value}", value + " ")
    elif name == "hashed_email":
        clear = f"{_PEOPLE[draw % len(_PEOPLE)]}.{draw % 9973}@example.com"
        wrong = ("E" + value.upper()[1:], value[:40], clear, f"0x{value}", value + " ")
    else:
        # A STRING is never malformed.
        return [user, name, ""]
    return [user, name, wrong[draw % 5]]


def _unknown_name(cells: Cells, other: Cells, draw: int) -> Cells:
    """A name that the lab does not list: accepted, but nothing is ever made of it.

    See docs/spec/validation.md#q21-unknown-id-names.
    """
    return [cells[0], ("hem", "email_sha256", "idfa", "Hashed_Email")[draw % 4], cells[2]]


def _bad_float(cells: Cells, other: Cells, draw: int) -> Cells:
    column = 2 + draw % max(len(cells) - 2, 1)
    wrong = ("n/a", "#REF!", "0.12.3", "1e", "--", "0x1f")[draw % 6]
    return [*cells[:column], wrong, *cells[column + 1 :]]


_PEOPLE = ("anna", "ben", "chiara", "david", "elif", "felix", "greta", "hugo")

FAULTS: dict[DatasetKind, Sequence[Fault]] = {
    DatasetKind.IDENTIFIERS: (
        *[_malformed_id] * 5,
        *[_duplicate] * 2,
        *[partial(_missing, columns=3)] * 2,
        _too_narrow,
        _too_wide,
        _unknown_name,
    ),
    DatasetKind.SEGMENTS: (
        *[partial(_duplicate, key=2)] * 4,
        *[partial(_missing, columns=2)] * 3,
        *[_too_narrow] * 2,
        _too_wide,
    ),
    DatasetKind.DEMOGRAPHICS: (*[partial(_duplicate, key=1)] * 4, *[_missing] * 3, _too_narrow, _too_wide),
    DatasetKind.EMBEDDINGS: (
        *[_bad_float] * 4,
        *[partial(_missing, columns=2)] * 2,
        *[partial(_duplicate, key=2)] * 2,
        _too_narrow,
        _too_wide,
    ),
}
"""The faults of each dataset, one as likely as the other; each but `_unknown_name` makes the row invalid."""
