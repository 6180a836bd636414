"""Middleware for every request and answer: host names, sizes, headers, and no text of an unexpected failure."""

from __future__ import annotations

import logging
import re
import secrets
import time
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from datalab.errors import DatalabError, UsageError
from datalab.home.settings import PortalSettings
from datalab_dagster.portal.access import SAFE_METHODS
from datalab_dagster.portal.answers import answered, route_of, unexpected
from datalab_dagster.portal.limits import LIMITS
from datalab_dagster.portal.requests import PacedBody
from datalab_dagster.service.http_errors import (
    AddressUnknown,
    HostRefused,
    RequestInvalid,
    RequestTooLarge,
    RequestTooSlow,
    SenderGone,
    status_of,
)

log = logging.getLogger("datalab.portal.access")

STREAMED = (
    ("PUT", re.compile(r"/api/uploads/[^/]+/parts/[^/]+")),
    ("PUT", re.compile(r"/api/datasets")),
    ("POST", re.compile(r"/api/datasets")),
)
"""Routes that read the body themselves, in pieces, after they have identified the sender."""

DASHBOARD_POLICY = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
"""For a dashboard, a self-contained file with its own scripts: they run in a separate origin without access to cookies
or the API, and load nothing."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def page_policy(nonce: str) -> str:
    """Return the content policy of pages: our own files only, and elements with the nonce of this answer."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


_TOO_SLOW = status_of(RequestTooSlow(0, 0))


class Security:
    """ASGI middleware; a template finds the nonce of its answer in ``request.state.csp_nonce``."""

    def __init__(self, app: ASGIApp, settings: PortalSettings) -> None:
        self._app = app
        self._settings = settings
        self._changes = CapacityLimiter(LIMITS.changes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce
        started, status, began = False, 0, time.perf_counter()

        async def secured(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                headers = MutableHeaders(scope=message)
                self._add_headers(headers, nonce)
                if status == _TOO_SLOW:
                    headers["Connection"] = "close"
            await send(message)

        try:
            self._check_names(scope)
            paced = PacedBody(receive)
            if _is_streamed(scope):
                await self._app(scope, paced, secured)
            elif scope["method"] in SAFE_METHODS:
                await self._app(scope, await self._bounded(scope, paced), secured)
            else:
                whole = await self._bounded(scope, paced)
                async with self._changes:
                    await self._app(scope, whole, secured)
        except Exception as error:  # noqa: BLE001 - its text may hold a value of a row, and the server would log it
            # Once an answer has begun, Starlette wraps the error whose own answer can no longer be sent.
            cause = error.__cause__ if started and isinstance(error.__cause__, DatalabError) else error
            shown = cause if isinstance(cause, DatalabError) else unexpected(error, scope["method"])
            if started:
                raise shown from None  # the answer is interrupted, and the client detects it
            await answered(shown)(scope, receive, secured)
        finally:
            log.info("%s %s %d %.0f ms", scope["method"], route_of(scope), status, (time.perf_counter() - began) * 1000)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_names(scope)
        except UsageError:
            await WebSocketClose(1008)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_names(self, scope: Scope) -> None:
        """Refuse names of other hosts (a foreign page bound to this address) and bytes that no database accepts."""
        hosts = self._settings.hosts
        given = Headers(scope=scope).get("host", "")
        try:
            host = (urlsplit(f"//{given}").hostname or "").lower()
        except ValueError:
            host = ""
        if hosts is not None and host not in hosts:
            raise HostRefused
        if any(ord(character) < 32 for character in scope["path"]):
            raise AddressUnknown
        if "%00" in scope["query_string"].decode("latin-1"):
            raise RequestInvalid(["The query: it contains a zero byte"])

    async def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Return a receiver of the body, read completely and checked."""
        limit = self._settings.max_body_bytes
        headers = Headers(scope=scope)
        if (length := headers.get("content-length", "0")).isdigit() and int(length) > limit:
            raise RequestTooLarge(limit)
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise SenderGone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise RequestTooLarge(limit)
        form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if any(zero in body for zero in (b"\0", b"%00" if form else b"\\u0000")):
            raise RequestInvalid(["The body: it contains a zero byte"])
        return _given({"type": "http.request", "body": bytes(body), "more_body": False}, receive)

    def _add_headers(self, headers: MutableHeaders, nonce: str) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", page_policy(nonce))
        if self._settings.is_secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _is_streamed(scope: Scope) -> bool:
    return any(scope["method"] == method and path.fullmatch(scope["path"]) for method, path in STREAMED)


def _given(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give
