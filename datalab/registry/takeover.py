"""Labs and datasets that belong to no user, most often made before the first one, and how a user takes them over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from datalab.registry.account_rows import UserRow
from datalab.registry.models import DatasetRow, KeyAccessRow, KeyRow, LabOwnerRow, LabRow
from datalab.registry.records import KeyRole


@dataclass(frozen=True)
class Unowned:
    """How many datasets and labs belong to no user of the deployment."""

    datasets: int
    labs: int


def unowned(session: Session, email: str) -> Unowned:
    """Count the datasets and labs that have no owner who is a user, and do not belong to `email` already."""
    return Unowned(len(session.scalars(_datasets(email)).all()), len(session.scalars(_labs(email)).all()))


def take_over(session: Session, email: str) -> Unowned:
    """Make a user an owner of all that `unowned` counts, and return its numbers.

    Earlier owners stay: scripts on this machine keep working under the names that they use. A dataset whose key is not
    stored has no access list; there the user replaces the uploader.
    """
    labs, datasets = session.scalars(_labs(email)).all(), session.scalars(_datasets(email)).all()
    for lab in labs:
        lab.owners.append(LabOwnerRow(user_id=email))
    for dataset in datasets:
        if session.get(KeyRow, dataset.manifest_hash) is None:
            dataset.created_by = email
            continue
        place = session.get(KeyAccessRow, (dataset.manifest_hash, email))
        if place is None:
            session.add(KeyAccessRow(manifest_hash=dataset.manifest_hash, user_id=email, role=KeyRole.OWNER.value))
        else:
            place.role = KeyRole.OWNER.value
    session.flush()
    return Unowned(len(datasets), len(labs))


def _labs(email: str) -> Select[LabRow]:
    owned = exists().where(LabOwnerRow.lab_id == LabRow.id, _is_user(LabOwnerRow.user_id, email))
    return select(LabRow).where(LabRow.deleted_at.is_(None), ~owned).order_by(LabRow.created_at, LabRow.id)


def _datasets(email: str) -> Select[DatasetRow]:
    owned = exists().where(
        KeyAccessRow.manifest_hash == DatasetRow.manifest_hash,
        KeyAccessRow.role == KeyRole.OWNER.value,
        _is_user(KeyAccessRow.user_id, email),
    )
    has_key = exists().where(KeyRow.manifest_hash == DatasetRow.manifest_hash)
    uploaded = and_(~has_key, _is_user(DatasetRow.created_by, email))
    return select(DatasetRow).where(DatasetRow.deleted_at.is_(None), ~owned, ~uploaded)


def _is_user(name: InstrumentedAttribute[str], email: str) -> ColumnElement[bool]:
    plain = func.lower(func.trim(name))
    return or_(plain == email, plain.in_(select(UserRow.email)))
