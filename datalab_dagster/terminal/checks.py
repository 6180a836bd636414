"""The progress of a check: a bar on a terminal, and otherwise a line every few seconds."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from datalab import formats
from datalab.formats import number
from datalab.kinds import DatasetKind
from datalab_dagster.terminal.safe_console import SafeConsole
from resources import Progress

_SECONDS_BETWEEN_LINES = 5.0
_HARDLY = 0.01


@contextlib.contextmanager
def shown_progress(*, for_machines: bool = False) -> Iterator[Progress]:
    """Yield an object that shows progress on standard error; without a terminal, it is silent `for_machines`."""
    console = SafeConsole(stderr=True)
    if not console.is_terminal:
        yield _Lines(console, math.inf if for_machines else _SECONDS_BETWEEN_LINES)
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[rows]:>12} rows  {task.fields[speed]:>10} rows/s"),
        TextColumn("{task.fields[left]:>9} left"),
        TimeRemainingColumn(compact=True),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        yield _Bars(bar)


class _Rates:
    """Rows per second of each dataset since its first block."""

    def __init__(self) -> None:
        self._started: dict[DatasetKind, float] = {}

    def of(self, kind: DatasetKind, rows: int) -> int:
        seconds = self.seconds(kind)
        return round(rows / seconds) if seconds else 0

    def seconds(self, kind: DatasetKind) -> float:
        now = time.perf_counter()
        return now - self._started.setdefault(kind, now)


class _Bars:
    """A bar per dataset."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks: dict[DatasetKind, TaskID] = {}
        self._rates = _Rates()

    def update(self, kind: DatasetKind, rows: int, bytes_read: int, size: int) -> None:
        speed = self._rates.of(kind, rows)
        if kind not in self._tasks:
            self._tasks[kind] = self._bar.add_task(kind.value, total=size, rows="", speed="", left="")
        self._bar.update(
            self._tasks[kind],
            completed=bytes_read,
            rows=number(rows),
            speed=number(speed),
            left=_left(bytes_read, size),
        )


class _Lines:
    """A plain line every few seconds, for logs and pipes."""

    def __init__(self, console: Console, seconds_between: float) -> None:
        self._console = console
        self._seconds_between = seconds_between
        self._rates = _Rates()
        self._last = time.perf_counter()

    def update(self, kind: DatasetKind, rows: int, bytes_read: int, size: int) -> None:
        speed = self._rates.of(kind, rows)
        if time.perf_counter() - self._last < self._seconds_between:
            return
        self._last = time.perf_counter()
        text = f"{kind.value}: {number(rows)} rows checked"
        if bytes_read < size:
            text += f", {number(speed)} rows/s"
            if size - bytes_read > size * _HARDLY:  # else it is read, but not checked
                text += f", {_left(bytes_read, size)} left"
        else:
            text += f" in {formats.duration(self._rates.seconds(kind))}"
        self._console.print(text, highlight=False, soft_wrap=True)


def _left(bytes_read: int, size: int) -> str:
    """Return the part of a file that is still to be read."""
    return formats.size(max(size - bytes_read, 0))
