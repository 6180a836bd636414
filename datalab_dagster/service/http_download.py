"""The content of a dataset, read over HTTP as a file; an incomplete answer always raises an error."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import httpx

from datalab_dagster.service.http_connection import Connection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 1024**2


class Download(io.RawIOBase):
    """Reads an answer to its end.

    Raises:
        ServiceUnreachable: while reading, if the answer is interrupted; what was read before is correct.
    """

    def __init__(self, response: httpx.Response, connection: Connection) -> None:
        super().__init__()
        self._response = response
        self._connection = connection
        self._pieces = response.iter_bytes(_PIECE)
        self._left = memoryview(b"")
        self._missing = int(response.headers.get("Content-Length", "-1"))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if not self._left:
            try:
                self._left = memoryview(next(self._pieces, b""))
            except httpx.HTTPError as error:
                raise self._connection.unreachable(error) from None
            if not self._left and self._missing > 0:
                raise self._connection.unreachable(httpx.ReadError("cut"))
            self._missing -= len(self._left)
        with memoryview(buffer) as raw, raw.cast("B") as room:
            count = min(len(room), len(self._left))
            room[:count] = self._left[:count]
            self._left = self._left[count:]
            return count

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()
