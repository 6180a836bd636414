"""The visitor, the visitor's permissions and deployment: dependencies that every route and page declares.

A page or route declares what it needs, and gets the visitor; no other check is needed:

    @router.get("/labs")
    def labs(request: Request, visitor: Reader, service: Service) -> HTMLResponse: ...

    @router.post("/labs/{lab}/validate")
    def validate(lab: str, visitor: Changer, service: Service, record: Record) -> Response:
        run = service.validate(lab)
        record("lab.validate", lab, run=run.run_id)

`Reader`, `Changer`, `Insider`, `Admin`, `Guest` (below) are what a visitor must be. On POST, PUT, PATCH and DELETE they
also ensure that the request comes from our own page: forms send `visitor.csrf_token` as the field ``csrf_token``,
scripts as the header ``X-CSRF-Token``. An API token needs none. `maybe_visitor` is for public pages, such as
the login page (/login?next=…), which calls `login.sign_in`. A vendor's admin only ever sees what `shared` gives. Errors
are raised, not rendered: `pages.error_page(request, status, error)` shows them to people.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request

from datalab_dagster.portal.state import Doorway, doorway_of, portal_of
from datalab_dagster.service import GRANTS, LabService, NotPermitted, Permission, Role
from datalab_dagster.service.http_errors import LoginNeeded, RequestForged

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "datalab_session"


@dataclass(frozen=True)
class Visitor:
    """The user of a request.

    Attributes:
        csrf_token: sent with every change from a page; None for a bearer token, which needs none.
        via: how the visitor is identified: by a session (cookie), API token, or the secret of this start (the owner).
    """

    email: str
    role: Role
    csrf_token: str | None = field(repr=False)
    via: Literal["session", "token", "local"]

    def may(self, permission: Permission) -> bool:
        """Return whether the role allows it; for showing or hiding parts of a page."""
        return permission in GRANTS[self.role]


def maybe_visitor(request: Request) -> Visitor | None:
    """Return the visitor, or None without a login."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = _find(request, doorway_of(request))
    found: Visitor | None = request.state.visitor
    return found


def current_visitor(request: Request) -> Visitor:
    """Return the visitor.

    Raises:
        LoginNeeded: there is no login.
    """
    visitor = maybe_visitor(request)
    if visitor is None:
        raise LoginNeeded
    return visitor


async def _csrf_sent(request: Request) -> str | None:
    """Return the token that a page sent, from the header or the form."""
    sent = request.headers.get("X-CSRF-Token")
    if request.url.path.startswith("/api/"):  # takes no forms, and the body may be a file of any size
        return sent
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if sent is None and kind == "application/x-www-form-urlencoded":
        value = (await request.form()).get("csrf_token")
        return value if isinstance(value, str) else None
    return sent


def check_csrf(request: Request, sent: Annotated[str | None, Depends(_csrf_sent)]) -> None:
    """Refuse a change that a foreign page may have sent in the visitor's name.

    Raises:
        RequestForged: it comes from another site, or without the token of the page.
    """
    visitor = maybe_visitor(request)
    if request.method in SAFE_METHODS or visitor is None or visitor.csrf_token is None:
        return
    if not same_site(request) or sent is None or not hmac.compare_digest(sent.encode(), visitor.csrf_token.encode()):
        raise RequestForged


def require(*permissions: Permission) -> Callable[..., Visitor]:
    """Return a dependency that returns the visitor if the visitor has all `permissions`.

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
                    f"'{visitor.role}' does not have. Nothing was changed; ask the operator of this deployment."
                )
        return visitor

    visitor_with.permissions = frozenset(permissions)  # type: ignore[attr-defined]  # read by the test of all routes
    return visitor_with


Guest = Annotated[Visitor, Depends(require())]
"""Every signed-in visitor."""
Admin = Annotated[Visitor, Depends(require(Permission.SHARED))]
"""Every visitor who may see what labs share, including the vendor's admin."""
Reader = Annotated[Visitor, Depends(require(Permission.READ))]
"""Publisher or viewer."""
Changer = Annotated[Visitor, Depends(require(Permission.CHANGE))]
"""Publisher, for changes."""
Insider = Annotated[Visitor, Depends(require(Permission.PRIVATE))]
"""Publisher, for what holds rows or keys."""


def service_of(request: Request) -> LabService:
    """Return the deployment for the visitor: for an admin, only what labs share.

    Raises:
        LoginNeeded: there is no login.
    """
    visitor = current_visitor(request)
    found = portal_of(request).service(visitor.email)
    return found if visitor.may(Permission.READ) else found.shared()


def shared_service_of(request: Request) -> LabService:
    """Return what labs share with the visitor; raises as `service_of`."""
    return portal_of(request).service(current_visitor(request).email).shared()


Service = Annotated[LabService, Depends(service_of)]
SharedService = Annotated[LabService, Depends(shared_service_of)]


class Recorder:
    """Writes the audit log: the visitor, the action and the client's address. Never row values, never secrets."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, action: str, subject: str = "", /, **details: Any) -> None:
        """Record that `action` was done to `subject`; call it after the action."""
        visitor = current_visitor(self._request)
        portal_of(self._request).service(visitor.email).accounts.record(
            action, subject, via=visitor.via, address=address_of(self._request), details=details
        )


Record = Annotated[Recorder, Depends(Recorder)]


def address_of(request: Request) -> str:
    """Return where a request comes from; behind a proxy that is the proxy, unless uvicorn is configured to trust it."""
    return request.client.host if request.client else ""


def cookie_name(secure: bool) -> str:
    """Return the name of the session's cookie; with TLS browsers take it from this very host only."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def csrf_token_of(cookie: str) -> str:
    """Return the token that belongs to a session; it does not reveal the session's cookie."""
    return hmac.new(cookie.encode(), b"datalab csrf 1", hashlib.sha256).hexdigest()


def _find(request: Request, doorway: Doorway) -> Visitor | None:
    """Identify the visitor only by a secret; no header and no address proves that a request comes from this machine."""
    authorization = request.headers.get("Authorization")
    if authorization is not None:  # a request with a token never falls back to a cookie
        scheme, _, token = authorization.partition(" ")
        return _of_token(token.strip(), doorway) if scheme.lower() == "bearer" else None
    cookie = request.cookies.get(cookie_name(doorway.is_secure(request)))
    return _of_cookie(cookie, doorway) if cookie else None


def _of_token(token: str, doorway: Doorway) -> Visitor | None:
    if doorway.owner.is_secret(token):
        return _owner(doorway, None) if doorway.has_owner() else None
    account = doorway.accounts.of_token(token)
    return None if account is None else Visitor(account.email, account.role, None, "token")


def _of_cookie(cookie: str, doorway: Doorway) -> Visitor | None:
    if doorway.owner.is_cookie(cookie):
        return _owner(doorway, csrf_token_of(cookie)) if doorway.has_owner() else None
    account = doorway.accounts.of_session(cookie, idle=doorway.settings.session_idle)
    return None if account is None else Visitor(account.email, account.role, csrf_token_of(cookie), "session")


def _owner(doorway: Doorway, csrf_token: str | None) -> Visitor:
    return Visitor(doorway.settings.local_owner, Role.PUBLISHER, csrf_token, "local")


def same_site(request: Request) -> bool:
    """Return whether the request comes from a page of this portal, or not from a browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {request.headers.get("Host", "").lower()}
    public = doorway_of(request).settings.public_url
    if public:
        own.add(urlsplit(public).netloc.lower())
    return urlsplit(origin).netloc.lower() in own and origin != "null"
