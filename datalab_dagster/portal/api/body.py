"""Reads the body of a request in pieces, for uploads: the sender waits until the deployment has stored a piece."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from anyio import from_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from datalab_dagster.service.http_errors import ContentTypeWrong, RequestTooLarge, SenderGone

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ENVELOPES = ("multipart/", "application/x-www-form-urlencoded")


def no_envelope(request: Request) -> None:
    """Check that the body is the file itself: a form around it would become part of the dataset.

    Raises:
        ContentTypeWrong: it is a form.
    """
    if request.headers.get("Content-Type", "").lower().startswith(_ENVELOPES):
        raise ContentTypeWrong("application/octet-stream, the file itself and no form (curl: -T FILE)")


async def read_at_most(request: Request, limit: int) -> bytearray:
    """Return the whole body.

    Raises:
        RequestTooLarge: it has more than `limit` bytes; the rest was not read.
        SenderGone: the connection ended before the body did.
    """
    body = bytearray()
    stream = request.stream()
    while (piece := await _next_of(stream)) is not None:
        body += piece
        if len(body) > limit:
            raise RequestTooLarge(limit)
    return body


async def _next_of(stream: AsyncIterator[bytes]) -> bytes | None:
    """Return the next piece, or None at the end."""
    try:
        return await anext(stream, None)
    except ClientDisconnect:
        raise SenderGone from None


class BodyReader(io.RawIOBase):
    """The body of a request as a file, for a worker thread of the request; it waits for the sender.

    If the sender disconnects, reading raises SenderGone, so that an incomplete file is never stored as complete.
    """

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._stream: AsyncIterator[bytes] = request.stream()
        self._left = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with memoryview(buffer) as raw, raw.cast("B") as room:
            while not self._left and not self._ended:
                self._left = memoryview(from_thread.run(self._next))
            count = min(len(room), len(self._left))
            room[:count] = self._left[:count]
            self._left = self._left[count:]
            return count

    async def _next(self) -> bytes:
        piece = await _next_of(self._stream)
        self._ended = piece is None
        return piece or b""
