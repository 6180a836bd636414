"""Logging in and out: the cookie of a session; a page has the form, and the registry checks the login."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from datalab_dagster.portal.access import address_of, cookie_name, same_site
from datalab_dagster.portal.state import Doorway, doorway_of
from datalab_dagster.service.http_errors import RequestForged, SecretRefused

_TOKEN = "token"
"""The parameter of the address that `datalab up` prints."""


class TokenInAddress:
    """ASGI middleware: an address with the secret of this start signs in, and redirects to the address without it."""

    def __init__(self, app: ASGIApp, doorway: Doorway) -> None:
        self._app = app
        self._doorway = doorway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["method"] == "GET" and f"{_TOKEN}=".encode() in scope["query_string"]:
            request = Request(scope)
            if _TOKEN in request.query_params and not scope["path"].startswith("/api/"):
                app = await run_in_threadpool(self._answer, request)
        await app(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != _TOKEN]
        target = safe_next(request.url.path + (f"?{urlencode(kept)}" if kept else ""))
        response = RedirectResponse(target, 303, {"Referrer-Policy": "no-referrer"})
        if self._doorway.has_owner() and self._doorway.owner.is_secret(request.query_params[_TOKEN]):
            _let_in(request, response, self._doorway)
        return response


def sign_in_owner(request: Request, response: Response, token: str) -> None:
    """Let `response` set the cookie of the owner.

    Raises:
        SecretRefused: `token` is not the secret of this start, or there are users.
        RequestForged: the form is not from this portal.
    """
    if not same_site(request):
        raise RequestForged
    doorway = doorway_of(request)
    if not doorway.has_owner() or not doorway.owner.is_secret(token.strip()):
        raise SecretRefused
    _let_in(request, response, doorway)


def _let_in(request: Request, response: Response, doorway: Doorway) -> None:
    doorway.accounts.record("login", via="local", address=address_of(request))
    _set_cookie(request, response, doorway, doorway.owner.cookie(doorway.settings.session_lifetime))


def sign_in(request: Request, response: Response, email: str, password: str) -> None:
    """Start a session and let `response` set its cookie.

    Raises:
        LoginRefused, TooManyLogins: of the registry.
        RequestForged: the form is not from this portal.
    """
    if not same_site(request):
        raise RequestForged
    doorway = doorway_of(request)
    secret = doorway.accounts.sign_in(
        email, password, address=address_of(request), lifetime=doorway.settings.session_lifetime
    )
    sign_out(request, response)
    _set_cookie(request, response, doorway, secret)


def _set_cookie(request: Request, response: Response, doorway: Doorway, value: str) -> None:
    secure = doorway.is_secure(request)
    response.set_cookie(
        cookie_name(secure),
        value,
        max_age=int(doorway.settings.session_lifetime.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",  # strict would show the login after every link from an e-mail
    )


def sign_out(request: Request, response: Response) -> None:
    """End the session of the request, if it has one, and let `response` remove its cookie."""
    doorway = doorway_of(request)
    secure = doorway.is_secure(request)
    secret = request.cookies.get(cookie_name(secure))
    if secret:
        doorway.accounts.sign_out(secret)
        response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax")


def safe_next(target: str | None) -> str:
    """Return where to go after the login: always a path of this portal.

    >>> safe_next("/labs/lab-1"), safe_next("https://elsewhere.example"), safe_next("//elsewhere.example")
    ('/labs/lab-1', '/', '/')
    """
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or any(ord(one) < 33 for one in target):
        return "/"
    return target
