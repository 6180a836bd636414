"""A file that is read from pieces of bytes, which arrive or are computed one after the other."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Pieces(io.RawIOBase, ABC):
    """Reads the pieces to their end; one of them is in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._left = memoryview(b"")

    @abstractmethod
    def next_piece(self) -> bytes:
        """Return the next piece; empty after the last one."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if not self._left:
            self._left = memoryview(self.next_piece())
        with memoryview(buffer) as raw, raw.cast("B") as room:
            count = min(len(room), len(self._left))
            room[:count] = self._left[:count]
            self._left = self._left[count:]
            return count
