"""The guard in front of Dagster's application: it admits publishers, and only requests that their own page has sent."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from datalab.errors import DatalabError
from datalab_dagster.portal.access import Visitor, current_visitor, same_site
from datalab_dagster.service import NotPermitted, Permission
from datalab_dagster.service.http_errors import ContentTypeWrong, MethodRefused, RequestForged

GRAPHQL = "/graphql"
_READ = frozenset({"GET", "HEAD"})
_KEPT_BY_BROWSERS = ("text/javascript", "application/javascript", "text/css", "image/", "font/", "video/")
_HEADERS = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}
"""Defaults only: Dagster's page has a content policy of its own. Scripts get no other one, as workers inherit it."""


class Guard:
    """ASGI application that admits requests to `app`.

    Raises:
        LoginNeeded, NotPermitted: the visitor is not signed in, or not a publisher.
        RequestForged, MethodRefused, ContentTypeWrong: another page may have sent the request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        await run_in_threadpool(_check, Request(scope))
        await self._app(scope, receive, _with_headers(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await run_in_threadpool(_check_socket, as_request(scope))
        except DatalabError:
            await WebSocketClose(1008)(scope, receive, send)  # before it is accepted: the server answers 403
            return
        await self._app(scope, receive, send)


def as_request(scope: Scope) -> Request:
    """Return the request that opens a WebSocket, which has headers and cookies like any other."""
    scheme = {"ws": "http", "wss": "https"}[scope["scheme"]]
    return Request({**scope, "type": "http", "method": "GET", "scheme": scheme})


def _check(request: Request) -> None:
    visitor = _publisher(request)
    is_graphql = request.url.path == GRAPHQL
    if request.method in _READ and not is_graphql:
        return
    if request.method != "POST" or not is_graphql:
        raise MethodRefused(request.method)
    _check_origin(request, visitor)
    # Browsers let any page send a form or plain text; JSON has to be allowed first, which is never done here.
    if request.headers.getlist("Content-Type") != ["application/json"]:
        raise ContentTypeWrong("application/json")


def _check_socket(request: Request) -> None:
    _check_origin(request, _publisher(request))


def _publisher(request: Request) -> Visitor:
    visitor = current_visitor(request)
    if not (visitor.may(Permission.CHANGE) and visitor.may(Permission.PRIVATE)):
        raise NotPermitted(
            f"{visitor.email} may not open Dagster's pages: they are for publishers, and the role is '{visitor.role}'. "
            "Nothing was changed; the portal shows the labs, or ask a person who runs this deployment."
        )
    return visitor


def _check_origin(request: Request, visitor: Visitor) -> None:
    """Refuse what another page sent; a browser names the page, and only a browser has a cookie."""
    named = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    if not same_site(request) or (visitor.csrf_token is not None and not named):
        raise RequestForged


def _with_headers(send: Send) -> Send:
    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers["Referrer-Policy"] = "same-origin"
            del headers["Feature-Policy"]  # the old name of Permissions-Policy, and browsers warn if both are sent
            headers.setdefault("Cache-Control", "private, no-cache" if _may_be_kept(headers) else "no-store")
        await send(message)

    return secured


def _may_be_kept(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith(_KEPT_BY_BROWSERS)
