"""The newest refreshes of a lab with their headline numbers, also of results that are no longer kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from datalab.registry.models import ForgottenRow, LabRow, ResultRow
from datalab.registry.queries import in_order
from datalab.results.refreshes import MOST_REFRESHES, Refresh

_COLUMNS = ("number", "run_id", "lab_id", "datasets", "summary", "created_at")


def refreshes_of(session: Session, lab_id: str) -> list[Refresh]:
    """Return the newest refreshes of a lab, at most `MOST_REFRESHES`, the oldest first."""
    both = union_all(
        *(
            select(*(getattr(row, name) for name in _COLUMNS)).where(row.lab_id == lab_id)
            for row in (ResultRow, ForgottenRow)
        )
    )
    newest = session.execute(both.order_by(literal_column("number").desc()).limit(MOST_REFRESHES)).all()
    return [Refresh(row.run_id, row.created_at, in_order(row.datasets), row.summary) for row in reversed(newest)]


def keep_numbers(session: Session, numbers: Sequence[int]) -> None:
    """Keep the headline numbers of results that are about to be deleted, by their numbers; of deleted labs none."""
    deleted = select(LabRow.id).where(LabRow.deleted_at.is_not(None))
    kept = select(*(getattr(ResultRow, name) for name in _COLUMNS)).where(
        ResultRow.number.in_(numbers), ResultRow.expired_at.is_not(None), ResultRow.lab_id.not_in(deleted)
    )
    session.execute(insert(ForgottenRow).from_select(_COLUMNS, kept).on_conflict_do_nothing())
    place = func.row_number().over(partition_by=ForgottenRow.lab_id, order_by=ForgottenRow.number.desc())
    placed = select(ForgottenRow.number, place.label("place")).subquery()
    beyond = select(placed.c.number).where(placed.c.place > MOST_REFRESHES)
    session.execute(delete(ForgottenRow).where(ForgottenRow.number.in_(beyond) | ForgottenRow.lab_id.in_(deleted)))
