"""How long clients may take, how many are served at once, and the pace of a body. This module knows no web server."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one process that serves pages; docs/security.md explains them."""

    head_seconds: float = 15.0
    """A request's head is complete within this time after the connection or its first byte."""
    head_bytes: int = 64 * 1024
    """Largest head."""
    body_rate: int = 1024
    """Bytes per second that must arrive of a body, over any `body_seconds` in which we wait for the sender."""
    body_seconds: float = 60.0
    uploads: int = 16
    """Uploads at once; further ones are refused until one has ended."""
    repairs: int = 2
    """Repairs of stored datasets at once; further ones are refused until one has ended."""
    repair_seconds: float = 5.0
    """How long a page waits for the end of a repair before it shows the progress."""
    retry_after: int = 5
    """Seconds after which a refused upload or repair is sent again."""
    changes: int = 8
    """Requests at once that are neither uploads nor reading; further ones wait. It is less than the threads (40) and
    the connections to the database (15) of a process, so reading always has some that nothing else takes."""


LIMITS = Limits()


class Pace:
    """Whether a sender keeps the lowest rate, by a clock that runs only while we wait for the sender.

    Args:
        limits: the lowest rate and its time.

    >>> pace = Pace(Limits(body_rate=10, body_seconds=60.0))
    >>> pace.seconds_left
    60.0
    >>> pace.add(50, 700)
    >>> pace.seconds_left      # the 700 bytes are enough for any minute that they are part of
    60.0
    >>> pace.add(30, 599)
    >>> pace.seconds_left      # without the 700 bytes, which came 30 seconds ago, the last minute has too few
    30.0
    """

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.body_seconds
        self._least = limits.body_rate * limits.body_seconds
        self._clock = 0.0
        self._arrived: deque[tuple[float, int]] = deque()
        """When bytes arrived and how many, per sixtieth of the time; what later bytes make needless is forgotten."""
        self._total = 0

    def add(self, waited: float, count: int) -> None:
        """Take note that `count` bytes arrived after `waited` further seconds."""
        self._clock += waited
        slot = self._clock - self._clock % (self._seconds / 60)
        if self._arrived and self._arrived[-1][0] == slot:
            before = self._arrived.pop()[1]
            self._arrived.append((slot, before + count))
        else:
            self._arrived.append((slot, count))
        self._total += count
        while len(self._arrived) > 1 and self._total - self._arrived[0][1] >= self._least:
            self._total -= self._arrived.popleft()[1]

    @property
    def seconds_left(self) -> float:
        """For how long nothing may arrive; at zero or below, the sender is too slow."""
        enough = self._total >= self._least
        return (self._arrived[0][0] if enough else 0.0) + self._seconds - self._clock
