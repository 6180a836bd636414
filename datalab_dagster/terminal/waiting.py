"""Waits for something in a deployment: polls often at first, then less and less often; shows nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator

from datalab.errors import DatalabError

PATIENCE_SECONDS = 60.0
"""How long a deployment may be unreachable, for example while its database restarts, before a wait fails."""
_FIRST_PAUSE_SECONDS = 0.05
_SHARE = 0.05
"""Maximum delay until an end is noticed, as a share of the time that has passed."""

Lost = tuple[type[DatalabError], ...]
"""The errors of a deployment that is unreachable for a moment."""


class TimeOver(Exception):
    """The time to wait is over."""


class Unreachable(Exception):
    """The deployment has been unreachable for longer than `PATIENCE_SECONDS`.

    Args:
        seconds: since the first poll without an answer.
        error: of the last poll.
    """

    def __init__(self, seconds: float, error: DatalabError) -> None:
        super().__init__()
        self.seconds = seconds
        self.error = error


def wait(done: Callable[[], bool], *, interval: float, lost: Lost, timeout: float | None = None) -> None:
    """Poll `done` until it returns True: often at first, then every `interval` seconds.

    Args:
        lost: errors of `done` that end the wait only if they persist.
        timeout: seconds; None and 0: wait indefinitely.

    Raises:
        TimeOver: `done` still returns False.
        Unreachable: `done` raised an error of `lost` for too long.
    """
    for pause in _pauses(done, interval, lost, timeout):
        time.sleep(pause)


async def wait_async(done: Callable[[], bool], *, interval: float, lost: Lost, timeout: float | None = None) -> None:
    """Do as `wait` without blocking the event loop; `done` is called in a thread."""
    pauses = _pauses(done, interval, lost, timeout)
    while (pause := await asyncio.to_thread(next, pauses, None)) is not None:
        await asyncio.sleep(pause)


def _pauses(done: Callable[[], bool], interval: float, lost: Lost, timeout: float | None) -> Generator[float]:
    """Yield the seconds to sleep before the next poll, until `done` returns True."""
    started = time.monotonic()
    lost_since: float | None = None
    pause = min(_FIRST_PAUSE_SECONDS, interval)
    while True:
        try:
            if done():
                return
            lost_since = None
        except lost as error:
            lost_since = lost_since or time.monotonic()
            seconds = time.monotonic() - lost_since
            if seconds > PATIENCE_SECONDS:
                raise Unreachable(seconds, error) from None
        left = timeout - (time.monotonic() - started) if timeout else float("inf")
        if left <= 0:
            raise TimeOver
        yield max(min(pause, left), 0.0)
        pause = min(max(pause, _SHARE * (time.monotonic() - started)), interval)
