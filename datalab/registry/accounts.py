"""Users of the portal and their roles, together with their passwords, sessions and API tokens. This module does not
know what a role may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from datalab.registry.account_rows import ApiTokenRow, SessionRow, UserRow
from datalab.registry.audit import Audit, write_entry
from datalab.registry.database import Database
from datalab.registry.errors import UserExists, UserNotFound, UserRefused
from datalab.registry.ownership import plain
from datalab.registry.passwords import hashed
from datalab.registry.records import Account, Role
from datalab.registry.sessions import Sessions
from datalab.registry.takeover import Unowned, unowned
from datalab.registry.takeover import take_over as take_over_all
from datalab.registry.tokens import ApiToken, Tokens

__all__ = ["Account", "Accounts", "ApiToken", "Role", "User"]

_EMAIL = re.compile(r"[^@\s\x00-\x20\x7f]{1,64}@[^@\s\x00-\x20\x7f]{1,189}")


@dataclass(frozen=True)
class User:
    """A user of the portal."""

    email: str
    role: Role
    has_password: bool
    """Whether the user has a password; without one they have API tokens only."""
    created_at: datetime
    created_by: str


class Accounts:
    """The users of a registry, their sessions and tokens, and the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sessions = Sessions(database)
        self.tokens = Tokens(database)
        self.audit = Audit(database)

    def any_user(self) -> bool:
        """Return whether there is any user, so that everyone must sign in."""
        with self._database.read() as session:
            return session.scalars(select(UserRow.email).limit(1)).first() is not None

    def users(self) -> list[User]:
        """Return all users, by e-mail address."""
        with self._database.read() as session:
            return [_user_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.email))]

    def unowned(self, email: str) -> Unowned | None:
        """Return how much `email` can take over as the first publisher; None if there is a publisher already."""
        with self._database.read() as session:
            publisher = select(UserRow.email).where(UserRow.role == Role.PUBLISHER.value).limit(1)
            return unowned(session, plain(email)) if session.scalars(publisher).first() is None else None

    def add(
        self,
        email: str,
        role: Role,
        *,
        password: str | None = None,
        take_over: bool = False,
        by: str,
        via: str = "cli",
    ) -> User:
        """Add a user; without a password they can only use API tokens.

        With `take_over` they become an owner of all datasets and labs that belong to no user.

        Raises:
            UserExists: there is already a user with this address.
            UserRefused: it is no e-mail address, or the password is too short.
        """
        email = _address(email)
        values = {
            "email": email,
            "role": Role(role).value,
            "password_hash": hashed(password, email) if password is not None else None,
            "created_by": by,
        }
        with self._database.write() as session:
            statement = insert(UserRow).values(**values).on_conflict_do_nothing().returning(UserRow.email)
            if session.scalars(statement).first() is None:
                raise UserExists(email)
            write_entry(session, "user.add", email, by=by, via=via, details={"role": values["role"]})
            if take_over:
                _take_over(session, email, by=by, via=via)
            return _user_of(session.get_one(UserRow, email))

    def set_role(self, email: str, role: Role, *, take_over: bool = False, by: str, via: str = "cli") -> User:
        """Change a role; it applies from the next request, in running sessions too. `take_over`: see `add`.

        Raises:
            UserNotFound: there is no such user.
        """
        with self._database.write() as session:
            row = _existing(session, email)
            before, row.role = row.role, Role(role).value
            details = {"before": before, "role": row.role}
            write_entry(session, "user.set-role", row.email, by=by, via=via, details=details)
            if take_over:
                session.flush()
                _take_over(session, row.email, by=by, via=via)
            return _user_of(row)

    def set_password(self, email: str, password: str, *, by: str, via: str = "cli") -> User:
        """Change a password and end the user's sessions; their tokens stay.

        Raises:
            UserNotFound: no user has this e-mail address.
            UserRefused: the password is not accepted.
        """
        new = hashed(password, plain(email))
        with self._database.write() as session:
            row = _existing(session, email)
            row.password_hash = new
            session.execute(delete(SessionRow).where(SessionRow.email == row.email))
            write_entry(session, "user.set-password", row.email, by=by, via=via)
            return _user_of(row)

    def delete(self, email: str, *, by: str, via: str = "cli") -> int:
        """Delete a user with their sessions and tokens; their audit entries stay. Return how many users are left.

        Raises:
            UserNotFound: there is no such user.
        """
        with self._database.write() as session:
            row = _existing(session, email)
            tokens = session.scalar(select(func.count()).where(ApiTokenRow.email == row.email))
            session.delete(row)
            session.flush()
            write_entry(session, "user.delete", row.email, by=by, via=via, details={"tokens": tokens})
            return session.scalar(select(func.count()).select_from(UserRow)) or 0


def _take_over(session: Session, email: str, *, by: str, via: str) -> None:
    taken = take_over_all(session, email)
    details = {"datasets": taken.datasets, "labs": taken.labs}
    write_entry(session, "user.take-over", email, by=by, via=via, details=details)


def _existing(session: Session, email: str) -> UserRow:
    email = plain(email)
    row = session.get(UserRow, email, with_for_update=True) if email.isprintable() else None
    if row is None:
        raise UserNotFound(email, session.scalars(select(UserRow.email)))
    return row


def _address(email: str) -> str:
    email = plain(email)
    if not _EMAIL.fullmatch(email):
        raise UserRefused("that is no e-mail address")
    return email


def _user_of(row: UserRow) -> User:
    return User(row.email, Role(row.role), row.password_hash is not None, row.created_at, row.created_by)
