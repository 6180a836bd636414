"""Claims: who answers a lab's last provisioning event. One row for each (lab, event), taken before any run is made.

Sensor, schedule and `broken_runs` claim for a request, whose run is named when it starts. A validation by hand claims
for its run.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.errors import ChangeClaimed
from datalab.registry.models import ClaimRow, LabRow, RunRow
from datalab.registry.records import Claim

_RELEASED = ""
"""The holder of a claim whose run could not be made: the next request gets it."""


class Claims:
    """The claims of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, lab_id: str, sequence: int, holder: str, *, over: str | None = None) -> Claim:
        """Claim a change for a request whose run does not exist yet, and return the claim that holds afterwards.

        A claim is free if there is none, if it was released, or if its run has ended. A repeated call changes nothing.

        Args:
            lab_id: whose change.
            sequence: of its last event.
            holder: identifies the request; the claim was granted if the returned claim has it.
            over: the holder of an abandoned request: its claim is free too, while it has no run.
        """
        with self._database.write() as session:
            session.get(LabRow, lab_id, with_for_update=True)
            row = session.get(ClaimRow, (lab_id, sequence))
            if row is None:
                row = ClaimRow(lab_id=lab_id, sequence=sequence, holder=holder)
                session.add(row)
            elif row.holder != holder and _is_free(session, row, over):
                row.holder, row.run_id, row.claimed_at = (
                    holder,
                    None,
                    session.scalars(select(func.clock_timestamp())).one(),
                )
            session.flush()
            return _claim(row)

    def release(self, run_id: str) -> None:
        """Release the claims of a run that could not be made: the sensor requests a run for the change."""
        with self._database.write() as session:
            lab_id = session.scalars(select(ClaimRow.lab_id).where(ClaimRow.run_id == run_id)).first()
            if lab_id is None:
                return
            session.get(LabRow, lab_id, with_for_update=True)
            for row in session.scalars(select(ClaimRow).where(ClaimRow.run_id == run_id)):
                row.holder, row.run_id = _RELEASED, None

    def released(self) -> list[Claim]:
        """Return every released claim that no request and no run has taken since."""
        query = select(ClaimRow).where(ClaimRow.holder == _RELEASED, ClaimRow.run_id.is_(None))
        with self._database.read() as session:
            return [_claim(row) for row in session.scalars(query.order_by(ClaimRow.sequence))]


def claim_for_run(session: Session, run: RunRow, *, alone: bool = False, over: str | None = None) -> None:
    """Name the run that answers a change, in the caller's transaction, which has locked the lab.

    Args:
        session: the transaction.
        run: the run; its row may be new.
        alone: whether a request whose run does not exist yet keeps its claim.
        over: the holder of an abandoned request.

    Raises:
        ChangeClaimed: another run answers the change, or a request does.
    """
    row = session.get(ClaimRow, (run.lab_id, run.sequence))
    if row is None:
        session.add(ClaimRow(lab_id=run.lab_id, sequence=run.sequence, holder=run.run_id, run_id=run.run_id))
    elif row.run_id == run.run_id:
        return
    elif _is_free(session, row, over):
        row.holder, row.run_id = run.run_id, run.run_id
    elif row.run_id is None and not alone:
        row.run_id = run.run_id
    else:
        raise ChangeClaimed(run.run_id, _claim(row))


def _is_free(session: Session, row: ClaimRow, over: str | None) -> bool:
    if row.run_id is None:
        return row.holder in (_RELEASED, over)
    run = session.scalars(select(RunRow).where(RunRow.run_id == row.run_id)).first()
    return run is None or run.ended_at is not None


def _claim(row: ClaimRow) -> Claim:
    return Claim(row.lab_id, row.sequence, row.holder, row.run_id, row.claimed_at)
