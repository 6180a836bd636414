"""Connections to the web server that end if the client is too slow with a head, or with a body after its answer.

uvicorn has a limit for idle connections only. While a request is worked on, `requests.PacedBody` watches its body.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from datalab_dagster.portal import limits
from datalab_dagster.portal.limits import Pace

_REFUSAL = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_SLOW, TOO_LARGE = b"408 Request Timeout", b"431 Request Header Fields Too Large"


class WatchedConnection(HttpToolsProtocol):
    """One connection; it is in the head of a request, in its body, or idle."""

    _timer: asyncio.TimerHandle | None = None
    """Of the head, or of a body whose request is answered already."""
    _in_body = False
    _head_bytes = 0
    _rest: Pace | None = None
    """Of a body whose request is answered already: its sender may not have read the answer yet."""
    _rest_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._rest is not None:
            self._count_rest(len(data))
        elif not self._in_body and self._timer is None:
            self._watch_head()
        in_head = not self._in_body
        super().data_received(data)
        if in_head and self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > limits.LIMITS.head_bytes:
                self._refuse(TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._unwatch()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._unwatch()
        self._in_body = False
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._watch_head()  # uvicorn waits for the next head without end if the answer came before the body's end

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and not self._is_answering() and not self.transport.is_closing():
            self._rest, self._rest_at = Pace(limits.LIMITS), self.loop.time()
            self._set_timer(self._rest.seconds_left)

    def _watch_head(self) -> None:
        self._head_bytes = 0
        self._set_timer(limits.LIMITS.head_seconds)

    def _count_rest(self, count: int) -> None:
        assert self._rest is not None
        now = self.loop.time()
        self._rest.add(now - self._rest_at, count)
        self._rest_at = now
        self._set_timer(self._rest.seconds_left)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._end)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._rest = None

    def _end(self) -> None:
        self._timer = None
        if self._is_answering():  # the head of a further request, which is worked on only after this one
            self._set_timer(limits.LIMITS.head_seconds)
        elif self._in_body or not self._head_bytes:
            self.transport.close()
        else:
            self._refuse(TOO_SLOW)

    def _refuse(self, status: bytes) -> None:
        self._unwatch()
        if not self.transport.is_closing():
            if not self._is_answering():
                self.transport.write(_REFUSAL % status)
            self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
