"""Logging in and out: the cookie of a session; the form is a page's, who may log in is the registry's."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from datalab_dagster.portal.access import address_of, cookie_name, same_site
from datalab_dagster.portal.state import portal_of
from datalab_dagster.service.http_errors import RequestForged


def sign_in(request: Request, response: Response, email: str, password: str) -> None:
    """Begin a session and let `response` set its cookie.

    Raises:
        LoginRefused, TooManyLogins: of the registry.
        RequestForged: the form is not ours.
    """
    if not same_site(request):
        raise RequestForged
    portal = portal_of(request)
    secret = portal.accounts.sign_in(
        email, password, address=address_of(request), lifetime=portal.settings.session_lifetime
    )
    sign_out(request, response)
    secure = portal.is_secure(request)
    response.set_cookie(
        cookie_name(secure),
        secret,
        max_age=int(portal.settings.session_lifetime.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",  # strict would show the login to everybody who follows a link from an e-mail
    )


def sign_out(request: Request, response: Response) -> None:
    """End the session of the request, if it has one, and let `response` remove its cookie."""
    portal = portal_of(request)
    secure = portal.is_secure(request)
    secret = request.cookies.get(cookie_name(secure))
    if secret:
        portal.accounts.sign_out(secret)
        response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax")


def safe_next(target: str | None) -> str:
    """Return where to go after the login: a path of this portal, whatever the address said.

    >>> safe_next("/labs/lab-1"), safe_next("https://elsewhere.example"), safe_next("//elsewhere.example")
    ('/labs/lab-1', '/', '/')
    """
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or any(ord(one) < 33 for one in target):
        return "/"
    return target
