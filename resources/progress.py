"""The progress of a check: only numbers, never a value of a row."""

from __future__ import annotations

import time
from typing import Protocol

import dagster as dg

from datalab.formats import number, share
from datalab.kinds import DatasetKind


class Progress(Protocol):
    """Receives the progress after every block of every dataset."""

    def update(self, kind: DatasetKind, rows: int, bytes_read: int, size: int) -> None:
        """Record that `rows` rows and `bytes_read` of `size` bytes of `kind` are done; all bytes only at the end."""


class LogProgress:
    """Writes a line to the run's log every few seconds."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def update(self, kind: DatasetKind, rows: int, bytes_read: int, size: int) -> None:
        now = time.monotonic()
        if now - self._last >= self._seconds:
            self._last = now
            read = share(bytes_read / size if size else 1.0)
            dg.get_dagster_logger().info(f"{kind.value}: {number(rows)} rows checked, {read} of the file read")
