"""Routes of the visitor's account: sign in, session, sign out; and the audit log and the health of the portal."""

from __future__ import annotations

from typing import Annotated, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, SecretStr

from datalab_dagster.portal import login
from datalab_dagster.portal.access import Guest, Insider, Service, Visitor
from datalab_dagster.portal.state import doorway_of
from datalab_dagster.service import GRANTS, AuditInfo, Role
from datalab_dagster.service.models import ServiceModel

router = APIRouter(tags=["account"])
_HEALTH_THREADS = CapacityLimiter(2)
"""Nothing else uses them: the health is answered while everything else waits."""


class Credentials(ServiceModel):
    """The credentials to sign in with."""

    email: str = Field(max_length=254)
    password: SecretStr = Field(max_length=1024)


class VisitorInfo(ServiceModel):
    """Your identity in the portal."""

    email: str
    role: Role
    via: Literal["session", "token", "local"]
    csrf_token: str | None
    """Send it as X-CSRF-Token with every change; null for a bearer token."""
    permissions: list[str]


class Health(ServiceModel):
    """The portal and its database answer."""

    status: Literal["ok"] = "ok"


@router.post("/session", status_code=204)
def log_in(credentials: Credentials, request: Request) -> Response:
    """Sign in; the answer sets the cookie of the session. Failed attempts are limited per account and address."""
    response = Response(status_code=204)
    login.sign_in(request, response, credentials.email, credentials.password.get_secret_value())
    return response


@router.get("/session")
def who_am_i(visitor: Guest) -> VisitorInfo:
    """Return your identity in the portal, and the token to send with changes."""
    return _info(visitor)


@router.delete("/session", status_code=204)
def log_out(visitor: Guest, request: Request) -> Response:
    """End the session."""
    response = Response(status_code=204)
    login.sign_out(request, response)
    return response


@router.get("/audit")
def audit_log(
    visitor: Insider,
    service: Service,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=2**62, description="Only entries with a smaller number")] = None,
) -> list[AuditInfo]:
    """Return the actions of users, the newest first; on labs and datasets: your own, and those on yours."""
    return service.audit_log(limit=limit, before=before)


@router.get("/health")
async def health(request: Request) -> Health:
    """Return ok if the portal and its database answer."""
    await to_thread.run_sync(doorway_of(request).accounts.any_user, limiter=_HEALTH_THREADS)
    return Health()


def _info(visitor: Visitor) -> VisitorInfo:
    permissions = sorted(permission.value for permission in GRANTS[visitor.role])
    return VisitorInfo(
        email=visitor.email,
        role=visitor.role,
        via=visitor.via,
        csrf_token=visitor.csrf_token,
        permissions=permissions,
    )
