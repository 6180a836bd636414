"""The audit log: who did what, when and from where. Entries are only added; no row values, no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from datalab.registry.account_rows import AuditRow
from datalab.registry.database import Database
from datalab.registry.models import KeyAccessRow, LabOwnerRow
from datalab.registry.ownership import plain
from datalab.registry.records import KeyRole

_OWNED = ("lab", "dataset", "key", "report", "rows", "run", "upload")
"""What actions on labs and datasets begin with; all others are about users, tokens and sessions."""


@dataclass(frozen=True)
class AuditEntry:
    """One action of a user.

    Attributes:
        actor: the user's e-mail address; empty: not signed in.
        via: how the user was identified: ``session``, ``token``, ``local`` or ``cli``.
        address: of the client, for requests over the network.
        action: such as ``lab.create``.
        subject: of the action: an id, a manifest hash, an e-mail address of a user of this deployment.
    """

    number: int
    at: datetime
    actor: str
    via: str
    address: str
    action: str
    subject: str
    details: Mapping[str, Any]


class Audit:
    """The audit log of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        action: str,
        subject: str = "",
        *,
        by: str,
        via: str = "",
        address: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry."""
        with self._database.write() as session:
            write_entry(session, action, subject, by=by, via=via, address=address, details=details)

    def entries(self, *, limit: int = 100, before: int | None = None, user: str | None = None) -> list[AuditEntry]:
        """Return the latest entries, the newest first.

        Args:
            limit: how many at most.
            before: only entries with a smaller number.
            user: of the entries about labs and datasets, only their own and those about what they own.
        """
        query = select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        if user is not None:
            query = query.where(_visible_to(user))
        if before is not None:
            query = query.where(AuditRow.number < before)
        with self._database.read() as session:
            return [
                AuditEntry(row.number, row.at, row.actor, row.via, row.address, row.action, row.subject, row.details)
                for row in session.scalars(query)
            ]


def _visible_to(user: str) -> ColumnElement[bool]:
    name = plain(user)
    labs = select(LabOwnerRow.lab_id).where(func.lower(LabOwnerRow.user_id) == name)
    datasets = select(KeyAccessRow.manifest_hash).where(
        func.lower(KeyAccessRow.user_id) == name, KeyAccessRow.role == KeyRole.OWNER.value
    )
    return or_(
        func.lower(AuditRow.actor) == name,
        func.split_part(AuditRow.action, ".", 1).not_in(_OWNED),
        AuditRow.subject.in_(labs),
        AuditRow.subject.in_(datasets),
        AuditRow.details["lab"].astext.in_(labs),
    )


def write_entry(
    session: Session,
    action: str,
    subject: str,
    *,
    by: str,
    via: str,
    address: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of its change, so that both are stored or neither."""
    session.add(
        AuditRow(actor=by, via=via, address=address, action=action, subject=subject[:400], details=dict(details or {}))
    )
