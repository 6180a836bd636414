"""The content of a dataset, or invalid rows, read over HTTP as a file; an incomplete answer always raises an error."""

from __future__ import annotations

import httpx

from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.pieces import Pieces

_PIECE = 1024**2


class Download(Pieces):
    """Reads an answer to its end.

    Raises:
        ServiceUnreachable: while reading, if the answer is interrupted; what was read before is correct.
    """

    def __init__(self, response: httpx.Response, connection: Connection) -> None:
        super().__init__()
        self._response = response
        self._connection = connection
        self._pieces = response.iter_bytes(_PIECE)
        self._missing = int(response.headers.get("Content-Length", "-1"))

    def next_piece(self) -> bytes:
        try:
            piece = next(self._pieces, b"")
        except httpx.HTTPError as error:
            raise self._connection.unreachable(error) from None
        if not piece and self._missing > 0:
            raise self._connection.unreachable(httpx.ReadError("cut"))
        self._missing -= len(piece)
        return piece

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()
