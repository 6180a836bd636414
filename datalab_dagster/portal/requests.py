"""Requests on their way to the routes: how fast their bodies must arrive, and how many are worked on at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TypeVar

from anyio import CapacityLimiter, fail_after
from fastapi import Request
from starlette.types import Message, Receive

from datalab_dagster.portal import limits
from datalab_dagster.portal.limits import Pace
from datalab_dagster.service.http_errors import RequestTooSlow, TooManyRepairs, TooManyUploads

_PARTS_ENCRYPTED = 6
"""Parts at once that are in memory twice, as sent and as encrypted."""


class PacedBody:
    """Receives a request, and refuses a sender who is slower than the lowest rate while we wait for the body.

    Raises:
        RequestTooSlow: less than the lowest rate arrived over a minute.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pace = Pace(limits.LIMITS)
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()
        began = time.monotonic()
        try:
            with fail_after(self._pace.seconds_left):
                message = await self._receive()
        except TimeoutError:
            raise RequestTooSlow(limits.LIMITS.body_rate, limits.LIMITS.body_seconds) from None
        self._pace.add(time.monotonic() - began, len(message.get("body", b"")))
        self._ended = not message.get("more_body", False)
        return message


class Places:
    """The places of work that takes long, and its threads, which nothing else uses."""

    def __init__(self, limit: str, refusal: type[TooManyUploads] | type[TooManyRepairs]) -> None:
        self._limit = limit
        self._refusal = refusal
        self._taken = 0
        self._lock = threading.Lock()
        self.threads = CapacityLimiter(self._most())

    def _most(self) -> int:
        most: int = getattr(limits.LIMITS, self._limit)
        return most

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            TooManyUploads, TooManyRepairs: all are taken.
        """
        with self._lock:
            if self._taken >= self._most():
                raise self._refusal(self._most(), limits.LIMITS.retry_after)
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1


class UploadPlaces(Places):
    """The places of uploads."""

    def __init__(self) -> None:
        super().__init__("uploads", TooManyUploads)
        self.storing = CapacityLimiter(_PARTS_ENCRYPTED)


class RepairPlaces(Places):
    """The places of repairs."""

    def __init__(self) -> None:
        super().__init__("repairs", TooManyRepairs)


P = TypeVar("P", UploadPlaces, RepairPlaces)


def upload_places(request: Request) -> UploadPlaces:
    """Return the places of uploads of the portal that serves `request`."""
    return _places(request, UploadPlaces)


def repair_places(request: Request) -> RepairPlaces:
    """Return the places of repairs of the portal that serves `request`."""
    return _places(request, RepairPlaces)


def _places(request: Request, kind: type[P]) -> P:
    state = request.app.state
    if not hasattr(state, kind.__name__):
        setattr(state, kind.__name__, kind())
    places: P = getattr(state, kind.__name__)
    return places
