"""API tokens: created, found by hash, listed, revoked. This module does not know how they are sent."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from datalab.registry.account_rows import ApiTokenRow, UserRow
from datalab.registry.audit import write_entry
from datalab.registry.database import Database
from datalab.registry.errors import TokenNotFound, TokenRefused, UserNotFound
from datalab.registry.ownership import plain
from datalab.registry.records import Account, Role
from datalab.registry.sessions import hash_of, new_secret

LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class ApiToken:
    """The record of an API token; the token itself is returned once, when it is created."""

    id: str
    name: str
    email: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class Tokens:
    """The API tokens of a registry's users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, email: str, name: str, *, lifetime: timedelta, by: str, via: str = "cli") -> tuple[ApiToken, str]:
        """Create a token for a user; return its record and the token, which is not kept.

        Raises:
            UserNotFound: there is no such user.
            TokenRefused: it has no name, or would expire immediately or after more than a year.
        """
        email, name = plain(email), name.strip()
        if not name or len(name) > 200 or not name.isprintable():
            raise TokenRefused("give its purpose, in up to 200 characters")
        if not timedelta(0) < lifetime <= LONGEST:
            raise TokenRefused(f"it must expire within 1 to {LONGEST.days} days")
        secret = new_secret()
        with self._database.write() as session:
            if not email.isprintable() or session.get(UserRow, email, with_for_update={"read": True}) is None:
                raise UserNotFound(email, session.scalars(select(UserRow.email)))
            now = session.scalars(select(func.clock_timestamp())).one()
            row = ApiTokenRow(
                id=secrets.token_hex(4),
                token_hash=hash_of(secret),
                email=email,
                name=name,
                created_by=by,
                expires_at=now + lifetime,
            )
            session.add(row)
            session.flush()
            details = {"user": email, "name": name, "expires": row.expires_at.isoformat()}
            write_entry(session, "token.create", row.id, by=by, via=via, details=details)
            return _token_of(row), secret

    def all(self, email: str | None = None) -> list[ApiToken]:
        """Return all tokens, or those of a user, the newest first; ended ones too."""
        query = select(ApiTokenRow).order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.id)
        if email is not None:
            query = query.where(ApiTokenRow.email == plain(email))
        with self._database.read() as session:
            return [_token_of(row) for row in session.scalars(query)]

    def revoke(self, token_id: str, *, by: str, via: str = "cli") -> ApiToken:
        """Revoke a token immediately; a revoked one is not changed.

        Raises:
            TokenNotFound: no token has this id.
        """
        with self._database.write() as session:
            row = session.get(ApiTokenRow, token_id, with_for_update=True) if token_id.isprintable() else None
            if row is None:
                raise TokenNotFound(token_id)
            if row.revoked_at is None:
                row.revoked_at = session.scalars(select(func.clock_timestamp())).one()
                write_entry(session, "token.revoke", token_id, by=by, via=via, details={"user": row.email})
            return _token_of(row)

    def account(self, secret: str) -> Account | None:
        """Return the user of a token; None if it does not exist, has expired or was revoked."""
        query = select(ApiTokenRow, UserRow, func.clock_timestamp()).join(UserRow, UserRow.email == ApiTokenRow.email)
        with self._database.read() as session:
            found = session.execute(query.where(ApiTokenRow.token_hash == hash_of(secret))).first()
        if found is None:
            return None
        row, user, now = found
        if row.revoked_at is not None or row.expires_at <= now:
            return None
        if row.last_used_at is None or row.last_used_at < now - timedelta(minutes=1):
            with self._database.write() as session:
                used = session.get(ApiTokenRow, row.id)
                if used is not None:
                    used.last_used_at = now
        return Account(user.email, Role(user.role))


def _token_of(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        row.id, row.name, row.email, row.created_at, row.created_by, row.expires_at, row.revoked_at, row.last_used_at
    )
