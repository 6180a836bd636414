"""The audit log: who did what, when and from where. Entries are only added; no row values, no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.models import AuditRow


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

    def entries(self, *, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        """Return the latest entries, the newest first; `before`: only those with a smaller number."""
        query = select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.number < before)
        with self._database.read() as session:
            return [
                AuditEntry(row.number, row.at, row.actor, row.via, row.address, row.action, row.subject, row.details)
                for row in session.scalars(query)
            ]


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
