"""Logins and their sessions: limited, found by hash, ended. This module does not know cookies."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.orm import Session

from datalab.registry.account_rows import LoginAttemptRow, SessionRow, UserRow
from datalab.registry.audit import write_entry
from datalab.registry.database import Database
from datalab.registry.errors import LoginRefused, TooManyLogins
from datalab.registry.ownership import plain
from datalab.registry.passwords import matches
from datalab.registry.records import Account, Role

WINDOW = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, PER_ACCOUNT = 5, 30, 50
"""Failed logins within the window after which further ones are refused. The number for one
account from all addresses is the largest, so that others cannot easily lock out its owner."""

_ADMISSION_LOCK = 0x64617461_6C61_6208
"""Of an advisory lock: "datalab", 8. Attempts are counted one by one: many at once would all be below the limit."""


class Sessions:
    """The logins of a registry's users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign_in(self, email: str, password: str, *, address: str, lifetime: timedelta) -> str:
        """Start a session and return its secret, which only the visitor's browser keeps.

        Raises:
            LoginRefused: wrong address or password, or the user has no password.
            TooManyLogins: too many failed recently, for this account or from this address.
        """
        email = plain(email)
        number = self._admit(email, address)
        with self._database.read() as session:
            user = session.get(UserRow, email) if email.isprintable() else None  # no other text is stored
            known = user.password_hash if user else None
        if not matches(password, known):
            with self._database.write() as session:
                write_entry(session, "login.refused", "", by="", via="", address=address)
            raise LoginRefused
        secret = new_secret().rstrip("=")  # a cookie would have to quote it
        with self._database.write() as session:
            now = session.scalars(select(func.clock_timestamp())).one()
            session.execute(delete(SessionRow).where(SessionRow.expires_at < now))
            session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.number == number))
            # Locked: a user who is deleted at this moment must not keep a session, nor cause a failure.
            if session.get(UserRow, email, with_for_update={"read": True}) is None:
                raise LoginRefused
            session.add(SessionRow(session_hash=hash_of(secret), email=email, expires_at=now + lifetime))
            write_entry(session, "login", "", by=email, via="session", address=address)
        return secret

    def account(self, secret: str, *, idle: timedelta) -> Account | None:
        """Return the user of a session; None if it does not exist, has ended or was not used for `idle`."""
        query = select(SessionRow, UserRow, func.clock_timestamp()).join(UserRow, UserRow.email == SessionRow.email)
        with self._database.read() as session:
            found = session.execute(query.where(SessionRow.session_hash == hash_of(secret))).first()
        if found is None:
            return None
        row, user, now = found
        if row.expires_at <= now or row.last_used_at + idle <= now:
            return None
        if row.last_used_at < now - timedelta(minutes=1):
            with self._database.write() as session:
                used = session.get(SessionRow, row.session_hash)
                if used is not None:
                    used.last_used_at = now
        return Account(user.email, Role(user.role))

    def sign_out(self, secret: str) -> None:
        """End a session; no error if it has already ended."""
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.session_hash == hash_of(secret)))

    def _admit(self, email: str, address: str) -> int:
        """Count an attempt before the check, so that many at once are counted too; return its number."""
        account = hash_of(email)
        with self._database.write() as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADMISSION_LOCK})
            now = session.scalars(select(func.clock_timestamp())).one()
            session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.at < now - WINDOW))
            oldest = _over_limit(session, account, address)
            if oldest is not None:
                raise TooManyLogins(max(1, int((oldest + WINDOW - now).total_seconds())))
            row = LoginAttemptRow(account_hash=account, address=address)
            session.add(row)
            session.flush()
            return row.number


def _over_limit(session: Session, account: bytes, address: str) -> datetime | None:
    """Return the time of the attempt after whose window logins are allowed again; None if they are allowed now."""
    same_account, same_address = LoginAttemptRow.account_hash == account, LoginAttemptRow.address == address
    attempts = session.execute(
        select(LoginAttemptRow.at, same_account, same_address)
        .where(or_(same_account, same_address))
        .order_by(LoginAttemptRow.at)
    ).all()
    limits = [
        ([at for at, account, place in attempts if account and place], PER_ACCOUNT_AND_ADDRESS),
        ([at for at, _, place in attempts if place], PER_ADDRESS),
        ([at for at, account, _ in attempts if account], PER_ACCOUNT),
    ]
    waits: list[datetime] = [times[-limit] for times, limit in limits if len(times) >= limit]
    return max(waits, default=None)


def new_secret() -> str:
    """Return 32 random bytes as URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def hash_of(secret: str) -> bytes:
    """Return the stored hash of a secret; a random secret needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
