"""The tables of users and of what they do; `models` has those of labs and datasets, and what both share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from datalab.registry.models import Base, now


class UserRow(Base):
    """A user of the portal; without a password, by API token only."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('publisher', 'viewer', 'admin')", name="role"),)

    email: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime] = now()
    created_by: Mapped[str]


class ApiTokenRow(Base):
    """An API token of a user; only its hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(ForeignKey(UserRow.email, ondelete="CASCADE"), index=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = now()
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SessionRow(Base):
    """A signed-in user; only the hash of the browser's secret is kept."""

    __tablename__ = "sessions"

    session_hash: Mapped[bytes] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(ForeignKey(UserRow.email, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = now()
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime] = now()


class LoginAttemptRow(Base):
    """A recent failed login; the account is hashed, because people type passwords into the wrong field."""

    __tablename__ = "login_attempts"

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    account_hash: Mapped[bytes] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = now()


class AuditRow(Base):
    """An action of a user; append-only (a trigger enforces it). No row values, no secrets."""

    __tablename__ = "audit_log"

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = now()
    actor: Mapped[str]
    via: Mapped[str]
    address: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
