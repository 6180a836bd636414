"""Faults of real files, written into rows of a sample; this module does not decide which rows are valid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from datalab.kinds import KINDS, ColumnType, DatasetKind, Fault, Kind
from datalab.sample.draw import uniform, words

Cells = list[str]
Spoil = Callable[[Kind, Cells, Cells, int], Cells]
"""Returns faulty cells, given the cells of a row, the cells of another row that stays correct, and a random number."""


def spoiled(
    kind: DatasetKind, seed: int, dirty: float, lines: pa.BinaryArray, first: int
) -> tuple[pa.BinaryArray, int]:
    """Return `lines` with faults in about the share `dirty` of them, and the number of faulty lines.

    `first` is the row number of the first line; which rows are chosen depends only on their numbers.
    """
    numbers = np.arange(first, first + len(lines), dtype=np.uint64)
    wrong = uniform(words(seed, f"{kind}:dirt", numbers)) < dirty
    rows, clean = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    if not len(rows):
        return lines, 0
    draws = words(seed, f"{kind}:fault", numbers[rows])
    others = clean[draws % np.uint64(len(clean))] if len(clean) else rows
    declared = KINDS[kind]
    faults = [FAULTS[fault] for fault, times in declared.sample.faults.items() for _ in range(times)]
    bad = [
        _spoiled_line(
            faults[draw % len(faults)] if len(clean) else _no_user, declared, cells, other, draw // len(faults)
        )
        for cells, other, draw in zip(_cells(lines, rows), _cells(lines, others), draws.tolist(), strict=True)
    ]
    place = np.arange(len(lines))
    place[rows] = np.arange(len(lines), len(lines) + len(rows))
    return pa.concat_arrays([lines, pa.array(bad, type=pa.binary())]).take(pa.array(place)), len(rows)


def _cells(lines: pa.BinaryArray, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[Cells]:
    return [line.decode().rstrip("\n").split(",") for line in lines.take(pa.array(rows)).to_pylist()]


def _spoiled_line(spoil: Spoil, declared: Kind, cells: Cells, other: Cells, draw: int) -> bytes:
    return (",".join(spoil(declared, cells, other, draw)) + "\n").encode()


def _no_user(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    return ["", *cells[1:]]


def _missing(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    """Empty a cell that must not be empty."""
    required = [place for place, column in enumerate(declared.columns) if not column.nullable]
    return _with(cells, required[draw % len(required)], "")


def _too_narrow(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    """Cut off the last cell, or write the row with another separator."""
    return cells[:-1] if draw % 3 else [";".join(cells)]


def _too_wide(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    return [*cells, ("2026-10-31", "true", "")[draw % 3]]


def _duplicate(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    """Take the cells of the key from another row; the other cells may differ from that row."""
    for place, column in enumerate(declared.columns):
        if column.name in declared.key:
            cells = _with(cells, place, other[place])
    return cells


def _malformed_id(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
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


def _unknown_name(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    """Use a name that the lab does not configure: the row is accepted, but its id is not used.

    See docs/spec/validation.md#q21-unknown-id-names.
    """
    return [cells[0], ("hem", "email_sha256", "idfa", "Hashed_Email")[draw % 4], cells[2]]


def _bad_number(declared: Kind, cells: Cells, other: Cells, draw: int) -> Cells:
    numbers = [place for place, column in enumerate(declared.columns) if column.type is ColumnType.NUMBER]
    numbers += range(len(declared.columns), len(cells))
    return _with(cells, numbers[draw % len(numbers)], ("n/a", "#REF!", "0.12.3", "1e", "--", "0x1f")[draw % 6])


def _with(cells: Cells, place: int, cell: str) -> Cells:
    return [*cells[:place], cell, *cells[place + 1 :]]


_PEOPLE = ("anna", "ben", "chiara", "david", "elif", "felix", "greta", "hugo")

FAULTS: dict[Fault, Spoil] = {
    Fault.DUPLICATE: _duplicate,
    Fault.MISSING: _missing,
    Fault.TOO_NARROW: _too_narrow,
    Fault.TOO_WIDE: _too_wide,
    Fault.BAD_NUMBER: _bad_number,
    Fault.MALFORMED_ID: _malformed_id,
    Fault.UNKNOWN_NAME: _unknown_name,
}
"""Fault → the function that writes it; every fault except `UNKNOWN_NAME` makes the row invalid."""
