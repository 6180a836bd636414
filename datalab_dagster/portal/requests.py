"""Requests on their way to the routes: how fast their bodies must arrive, and how many are worked on at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from anyio import CapacityLimiter, fail_after
from fastapi import Request
from starlette.types import Message, Receive

from datalab_dagster.portal import limits
from datalab_dagster.portal.limits import Pace
from datalab_dagster.service.http_errors import RequestTooSlow, TooManyUploads

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


class UploadPlaces:
    """The places of uploads, and their threads, which nothing else uses."""

    def __init__(self) -> None:
        self._taken = 0
        self.threads = CapacityLimiter(limits.LIMITS.uploads)
        self.storing = CapacityLimiter(_PARTS_ENCRYPTED)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            TooManyUploads: all are taken.
        """
        if self._taken >= limits.LIMITS.uploads:
            raise TooManyUploads(limits.LIMITS.uploads, limits.LIMITS.retry_after)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


def upload_places(request: Request) -> UploadPlaces:
    """Return the places of the portal that serves `request`."""
    state = request.app.state
    if not hasattr(state, "upload_places"):
        state.upload_places = UploadPlaces()
    places: UploadPlaces = state.upload_places
    return places
