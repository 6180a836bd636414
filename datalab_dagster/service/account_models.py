"""The answers of a deployment about its users, their API tokens and the audit log; `models` has all others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from datalab.registry import Role
from datalab_dagster.service.models import ServiceModel


class AccountInfo(ServiceModel):
    """The user of a session or API token, and the user's current role."""

    email: str
    role: Role


class UserInfo(ServiceModel):
    """A user of the portal."""

    email: str
    role: Role
    has_password: bool
    """Without a password, the user can only use API tokens."""
    created_at: datetime
    created_by: str


class TokenInfo(ServiceModel):
    """An API token; the token itself is shown once, when it is created."""

    id: str
    name: str
    email: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class UnownedInfo(ServiceModel):
    """How much belongs to no user of the deployment, so that the first publisher can take it over."""

    datasets: int
    labs: int


class AuditInfo(ServiceModel):
    """One action of a user."""

    number: int
    at: datetime
    actor: str
    via: str
    address: str
    action: str
    subject: str
    details: dict[str, Any]
