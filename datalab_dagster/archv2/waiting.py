"""Waits for jobs, blocking or not: with a bar, and with errors that are subclasses of Python's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from datalab_dagster.archv2.errors import ConnectionLost, NotCompleteInTime
from datalab_dagster.service import DatabaseUnreachable, RegistryBusy, RunInfo, ServiceUnreachable
from datalab_dagster.terminal import waiting
from datalab_dagster.terminal.bars import wait_bar

LOST: waiting.Lost = (ServiceUnreachable, DatabaseUnreachable, RegistryBusy)
"""The errors of a poll while a deployment restarts, or the network fails."""


def wait(
    is_complete: Callable[[], bool],
    run: Callable[[], RunInfo | None],
    *,
    timeout: float | None,
    sleep_interval: float,
    shown: bool,
) -> None:
    """Poll `is_complete` until it returns True: often at first, then every `sleep_interval` seconds.

    Args:
        run: returns the run at the last poll, for the bar.
        timeout: seconds; None and 0: wait indefinitely.
        shown: show a bar.

    Raises:
        NotCompleteInTime: the time is over.
        ConnectionLost: the deployment no longer answers.
    """
    with _watched(is_complete, run, shown) as done:
        waiting.wait(done, interval=sleep_interval, lost=LOST, timeout=timeout)


async def wait_async(
    is_complete: Callable[[], bool],
    run: Callable[[], RunInfo | None],
    *,
    timeout: float | None,
    sleep_interval: float,
    shown: bool,
) -> None:
    """Do as `wait` without blocking the event loop; cancelling the task does not stop the job."""
    with _watched(is_complete, run, shown) as done:
        await waiting.wait_async(done, interval=sleep_interval, lost=LOST, timeout=timeout)


@contextmanager
def _watched(
    is_complete: Callable[[], bool], run: Callable[[], RunInfo | None], shown: bool
) -> Iterator[Callable[[], bool]]:
    """Yield a poll function that also updates the bar, and raise the SDK's errors."""
    with wait_bar(shown=shown) as show:

        def done() -> bool:
            complete = is_complete()
            if not complete:
                show(run())
            return complete

        try:
            yield done
        except waiting.TimeOver:
            raise NotCompleteInTime from None
        except waiting.Unreachable as lost:
            raise ConnectionLost(lost.seconds, str(lost.error)) from lost.error
