"""Works on the blocks of a file in parallel and yields what comes of them in file order, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from datalab.ingest.limits import BLOCKS_UNDER_WAY_BYTES

WORKERS = max(2, min(8, os.cpu_count() or 2))
"""Threads that work on blocks, in addition to the one that cuts and the one that writes."""
_WAITING_BLOCKS = 2

T = TypeVar("T")


def in_order(tasks: Iterable[tuple[Callable[[], T], int]], thread_name: str) -> Iterator[T]:
    """Call functions in threads and yield their results in order.

    Args:
        tasks: for every block, in order, what to do with it, and its size in bytes.
        thread_name: how the names of the threads begin.
    """
    with ThreadPoolExecutor(WORKERS, thread_name_prefix=thread_name) as pool:
        under_way: deque[tuple[Future[T], int]] = deque()
        size = 0
        try:
            for task, weight in tasks:
                under_way.append((pool.submit(task), weight))
                size += weight
                while len(under_way) >= WORKERS + _WAITING_BLOCKS or (
                    size > BLOCKS_UNDER_WAY_BYTES and len(under_way) > 1
                ):
                    size -= under_way[0][1]
                    yield under_way.popleft()[0].result()
            while under_way:
                yield under_way.popleft()[0].result()
        finally:
            pool.shutdown(cancel_futures=True)
