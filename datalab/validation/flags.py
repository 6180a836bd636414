"""What is kept of each identifiers row while duplicates are unknown: its errors, in sixteen bits.

Five bits and a number: an id fails with at most one error code, so its number is enough. The checks of rows do not
belong here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datalab.kinds import EMPTY_CELL
from datalab.lab import USER_ID, LabDefinition
from datalab.validation.key_spool import Flags

_BITS = 5


class IdentifierFlags:
    """The flags that rows of one lab can have: whether and how a row is invalid, and what a hint counts.

    There is room for 2,047 error codes.
    """

    MISSING = 1
    USER_ID_FORMAT = 2
    ID_FORMAT = 4
    INVALID = MISSING | USER_ID_FORMAT | ID_FORMAT
    UNKNOWN_NAME = 8
    WRONG_CASE = 16

    def __init__(self, lab: LabDefinition) -> None:
        codes = {
            entry.id_name: entry.id_type.value_format.code
            for entry in lab.identifiers_config
            if entry.id_type.value_format
        }
        self.codes = sorted(set(codes.values()))
        """Every error code of a wrong format in this lab."""
        self.user_id_code = codes.get(USER_ID)
        """The error code of a wrong user id."""
        self._numbers = {code: number << _BITS for number, code in enumerate(self.codes, start=1)}

    def wrong_id(self, code: str) -> np.uint16:
        """Return the flags of a row whose id fails with `code`."""
        return np.uint16(self._numbers[code] | self.ID_FORMAT)

    def codes_of(self, flags: int) -> list[str]:
        """Return the error codes of a row with these flags."""
        found = {EMPTY_CELL} if flags & self.MISSING else set()
        if flags & self.USER_ID_FORMAT and self.user_id_code:
            found.add(self.user_id_code)
        if flags & self.ID_FORMAT:
            found.add(self.codes[(flags >> _BITS) - 1])
        return list(found)

    def with_code(self, flags: Flags, code: str) -> NDArray[np.bool_]:
        """Return for each of `flags` whether the user id or the id fails with `code`."""
        failed: NDArray[np.bool_] = flags >> _BITS == self._numbers[code] >> _BITS
        if code == self.user_id_code:
            failed |= (flags & self.USER_ID_FORMAT) != 0
        return failed

    @property
    def all(self) -> Flags:
        """All values that the flags of a row can have; the index of each is its number."""
        return np.arange((len(self.codes) + 1) << _BITS, dtype=np.uint16)


class FlagCounts:
    """How many rows have which flags."""

    def __init__(self, flags: IdentifierFlags) -> None:
        self._flags = flags
        self._values = flags.all
        self._rows = np.zeros(len(self._values), np.int64)

    def add(self, flags: Flags) -> None:
        """Count rows with these flags."""
        self._rows += self._counted(flags)

    def take_back(self, flags: Flags) -> None:
        """Subtract rows with these flags."""
        self._rows -= self._counted(flags)

    def of(self, flag: int) -> int:
        """Return how many rows have any of the bits of `flag`."""
        return int(self._rows[(self._values & flag) != 0].sum())

    def of_code(self, code: str) -> int:
        """Return how many rows fail with the error code `code`."""
        return int(self._rows[self._flags.with_code(self._values, code)].sum())

    def _counted(self, flags: Flags) -> NDArray[np.int64]:
        counts: NDArray[np.int64] = np.bincount(flags[flags != 0], minlength=len(self._rows))
        return counts
