"""Waits for jobs, blocking or not; a connection that breaks for a moment ends no wait."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Generator

from datalab.errors import DatalabError
from datalab_dagster.archv2.errors import ConnectionLost, NotCompleteInTime
from datalab_dagster.service import DatabaseUnreachable, RegistryBusy
from datalab_dagster.service.errors import ServiceUnreachable
from datalab_dagster.service.models import RunInfo
from datalab_dagster.terminal.bars import wait_bar

LOST: tuple[type[DatalabError], ...] = (ServiceUnreachable, DatabaseUnreachable, RegistryBusy)
"""What a deployment that restarts, or a network that breaks, makes of a question."""
PATIENCE_SECONDS = 60.0
"""How long a deployment may stay silent before a wait gives up."""
_FIRST_PAUSE_SECONDS = 0.05
_SHARE = 0.05
"""Of the time that has passed: an end is noticed at most so much later."""


def wait(
    is_complete: Callable[[], bool],
    run: Callable[[], RunInfo | None],
    *,
    timeout: float | None,
    sleep_interval: float,
    shown: bool,
) -> None:
    """Ask `is_complete` until it says so: soon at first, then every `sleep_interval` seconds.

    Args:
        run: what was seen last, for the bar.
        timeout: seconds; None and 0 wait for ever.
        shown: show a bar.

    Raises:
        NotCompleteInTime: the time is over.
        ConnectionLost: the deployment does not answer any more.
    """
    for pause in _pauses(is_complete, run, timeout, sleep_interval, shown):
        time.sleep(pause)


async def wait_async(
    is_complete: Callable[[], bool],
    run: Callable[[], RunInfo | None],
    *,
    timeout: float | None,
    sleep_interval: float,
    shown: bool,
) -> None:
    """Do as `wait` without blocking the event loop; cancelling the task leaves the job alone."""
    pauses = _pauses(is_complete, run, timeout, sleep_interval, shown)
    try:
        while (pause := await asyncio.to_thread(next, pauses, None)) is not None:
            await asyncio.sleep(pause)
    finally:
        with contextlib.suppress(ValueError):  # cancelled while a thread still asks: it ends by itself
            pauses.close()


def _pauses(
    is_complete: Callable[[], bool],
    run: Callable[[], RunInfo | None],
    timeout: float | None,
    sleep_interval: float,
    shown: bool,
) -> Generator[float]:
    """Yield the seconds to sleep before the next question, until the answer is yes."""
    started = time.monotonic()
    silent_since: float | None = None
    pause = min(_FIRST_PAUSE_SECONDS, sleep_interval)
    with wait_bar(shown=shown) as show:
        while True:
            try:
                if is_complete():
                    return
                silent_since = None
            except LOST as error:
                silent_since = silent_since or time.monotonic()
                silent = time.monotonic() - silent_since
                if silent > PATIENCE_SECONDS:
                    raise ConnectionLost(silent, str(error)) from error
            show(run())
            left = timeout - (time.monotonic() - started) if timeout else float("inf")
            if left <= 0:
                raise NotCompleteInTime
            yield max(min(pause, left), 0.0)
            pause = min(max(pause, _SHARE * (time.monotonic() - started)), sleep_interval)
