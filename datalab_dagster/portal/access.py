"""Who asks, what he may do, and the deployment as he sees it: dependencies that every route and page declares.

A page or route says what it needs, and gets the visitor; nothing else is to be checked:

    @router.get("/labs")
    def labs(request: Request, visitor: Reader, service: Service) -> HTMLResponse: ...

    @router.post("/labs/{lab}/validate")
    def validate(lab: str, visitor: Changer, service: Service, record: Record) -> Response:
        run = service.validate(lab)
        record("lab.validate", lab, run=run.run_id)

`Reader`, `Changer`, `Insider`, `Admin`, `Guest` (below) are what a visitor must be. On POST, PUT, PATCH and DELETE they
also see to it that the request comes from a page of ours: forms send `visitor.csrf_token` as the field ``csrf_token``,
scripts as the header ``X-CSRF-Token``. An API token needs none. `maybe_visitor` is for what everybody is shown, such as
the login page (/login?next=…), which calls `login.sign_in`. A vendor's admin only ever sees what `shared` gives. Errors
are raised, not rendered: `pages.error_page(request, status, error)` shows them to people.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request

from datalab.home.settings import LOOPBACK_NAMES, is_loopback
from datalab_dagster.portal.state import Portal, portal_of
from datalab_dagster.service import LabService, NotPermitted, Role
from datalab_dagster.service.http_errors import LoginNeeded, RequestForged

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "datalab_session"


class Permission(StrEnum):
    """What a route needs."""

    SHARED = "shared"
    """Aggregates of labs that were created with sharing on."""
    READ = "read"
    """Labs, descriptions of datasets, runs, statistics."""
    CHANGE = "change"
    """Upload, create, provision, validate, delete."""
    PRIVATE = "private"
    """Validation reports, contents and keys of datasets, the audit log."""


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PUBLISHER: frozenset(Permission),
    Role.VIEWER: frozenset({Permission.SHARED, Permission.READ}),
    Role.ADMIN: frozenset({Permission.SHARED}),
}


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        csrf_token: goes with every change that a page asks for; None for an API token, which needs none.
        via: how he is known: by a session (cookie), an API token, or as the owner of this machine.
    """

    email: str
    role: Role
    csrf_token: str | None = field(repr=False)
    via: Literal["session", "token", "local"]

    def may(self, permission: Permission) -> bool:
        """Tell whether the role allows it; for showing or hiding things on a page."""
        return permission in GRANTS[self.role]


def maybe_visitor(request: Request) -> Visitor | None:
    """Return who asks, or None when nobody is signed in."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = _find(request, portal_of(request))
    found: Visitor | None = request.state.visitor
    return found


def current_visitor(request: Request) -> Visitor:
    """Return who asks.

    Raises:
        LoginNeeded: nobody is signed in.
    """
    visitor = maybe_visitor(request)
    if visitor is None:
        raise LoginNeeded
    return visitor


async def _csrf_sent(request: Request) -> str | None:
    """Return the token that a page sent, from the header or the form."""
    sent = request.headers.get("X-CSRF-Token")
    if request.url.path.startswith("/api/"):  # takes no forms, and a file of any size may stand where one would
        return sent
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if sent is None and kind == "application/x-www-form-urlencoded":
        value = (await request.form()).get("csrf_token")
        return value if isinstance(value, str) else None
    return sent


def check_csrf(request: Request, sent: Annotated[str | None, Depends(_csrf_sent)]) -> None:
    """Refuse a change that a page of somebody else may have sent in the visitor's name.

    Raises:
        RequestForged: it comes from another site, or without the token of the page.
    """
    visitor = maybe_visitor(request)
    if request.method in SAFE_METHODS or visitor is None or visitor.via == "token":
        return
    if not same_site(request):
        raise RequestForged
    # A browser says where a change comes from; a program on this machine says nothing and has no cookie to be abused.
    program = "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers
    if visitor.via == "local" and program:
        return
    if sent is None or not hmac.compare_digest(sent.encode(), (visitor.csrf_token or "").encode()):
        raise RequestForged


def require(*permissions: Permission) -> Callable[..., Visitor]:
    """Return a dependency that gives the visitor when he has all `permissions`.

    Raises:
        LoginNeeded, RequestForged, NotPermitted: as their names say.
    """

    def visitor_with(
        request: Request,
        visitor: Annotated[Visitor, Depends(current_visitor)],
        checked: Annotated[None, Depends(check_csrf)],
    ) -> Visitor:
        del request, checked
        for permission in permissions:
            if not visitor.may(permission):
                raise NotPermitted(
                    f"{visitor.email} may not do this: it needs the permission '{permission}', which the role "
                    f"'{visitor.role}' does not have. Nothing was changed; ask somebody who runs this deployment."
                )
        return visitor

    visitor_with.permissions = frozenset(permissions)  # type: ignore[attr-defined]  # read by the test of all routes
    return visitor_with


Guest = Annotated[Visitor, Depends(require())]
"""Anybody who is signed in."""
Admin = Annotated[Visitor, Depends(require(Permission.SHARED))]
"""Anybody who may see what labs share: the vendor's admin too."""
Reader = Annotated[Visitor, Depends(require(Permission.READ))]
"""Publisher or viewer."""
Changer = Annotated[Visitor, Depends(require(Permission.CHANGE))]
"""Publisher, for changes."""
Insider = Annotated[Visitor, Depends(require(Permission.PRIVATE))]
"""Publisher, for what holds rows or keys."""


def service_of(request: Request) -> LabService:
    """Return the deployment as the visitor sees it; what he may ask of it, the route has said before.

    Raises:
        LoginNeeded: nobody is signed in.
    """
    return portal_of(request).service(current_visitor(request).email)


Service = Annotated[LabService, Depends(service_of)]


class Recorder:
    """Writes the audit log: who (the visitor), what, and from where. Never row values, never secrets."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, action: str, subject: str = "", /, **details: Any) -> None:
        """Keep that `action` was done to `subject`; call it when it was done."""
        visitor = current_visitor(self._request)
        portal_of(self._request).service(visitor.email).accounts.record(
            action, subject, via=visitor.via, address=address_of(self._request), details=details
        )


Record = Annotated[Recorder, Depends(Recorder)]


def address_of(request: Request) -> str:
    """Return where a request comes from; behind a proxy that is the proxy, unless uvicorn is told to trust it."""
    return request.client.host if request.client else ""


def cookie_name(secure: bool) -> str:
    """Return the name of the session's cookie; with TLS browsers take it from this very host only."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def csrf_token_of(secret: str | bytes) -> str:
    """Return the token that belongs to a session (or to the process, for the owner); it does not tell the secret."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, b"datalab csrf 1", hashlib.sha256).hexdigest()


def _find(request: Request, portal: Portal) -> Visitor | None:
    authorization = request.headers.get("Authorization")
    if authorization is not None:  # who sends a token never falls back to a cookie
        scheme, _, token = authorization.partition(" ")
        account = portal.accounts.of_token(token.strip()) if scheme.lower() == "bearer" else None
        return None if account is None else Visitor(account.email, account.role, None, "token")
    session = request.cookies.get(cookie_name(portal.is_secure(request)))
    if session:
        signed_in = portal.accounts.of_session(session, idle=portal.settings.session_idle)
        if signed_in is not None:
            return Visitor(signed_in.email, signed_in.role, csrf_token_of(session), "session")
    if _is_owner(request, portal):
        return Visitor(portal.settings.local_owner, Role.PUBLISHER, csrf_token_of(portal.process_secret), "local")
    return None


def _is_owner(request: Request, portal: Portal) -> bool:
    """Tell whether the request comes from this machine, not by way of a proxy, and nobody has to log in yet."""
    host = (request.url.hostname or "").lower()
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host"))
    here = portal.settings.is_loopback and host in LOOPBACK_NAMES | {portal.settings.host.lower()}
    near = request.client is not None and is_loopback(request.client.host)
    return here and near and not forwarded and not portal.accounts.any_user()


def same_site(request: Request) -> bool:
    """Tell whether a browser sent the request from a page of ours, or something that is no browser did."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {request.headers.get("Host", "").lower()}
    public = portal_of(request).settings.public_url
    if public:
        own.add(urlsplit(public).netloc.lower())
    return urlsplit(origin).netloc.lower() in own and origin != "null"
