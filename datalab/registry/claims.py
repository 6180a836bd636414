"""Claims: who answers a lab's last provisioning event. One row for each (lab, event), taken before any run is made.

Sensor and schedule claim for a request, whose run is named when it starts. A validation by hand claims for its run, as
another attempt of a lost run does.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.errors import ChangeClaimed
from datalab.registry.models import SCHEMA, ClaimRow, LabRow, RunRow
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

    def take_all(self, holders: Mapping[tuple[str, int], str]) -> set[str]:
        """Do as `take` for many changes with one statement, and return the ids of the labs whose claim was granted.

        A claim whose run ends at this very moment is not free yet.

        Args:
            holders: lab and sequence of its last event → the request.
        """
        if not holders:
            return set()
        values = {
            "labs": [lab_id for lab_id, _ in holders],
            "sequences": [sequence for _, sequence in holders],
            "holders": list(holders.values()),
        }
        with self._database.write() as session:
            return set(session.scalars(_TAKE_ALL, values))

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


_TAKE_ALL = text(f"""
WITH wanted AS (
    SELECT * FROM unnest(CAST(:labs AS text[]), CAST(:sequences AS bigint[]), CAST(:holders AS text[]))
        AS one (lab_id, sequence, holder)
), locked AS MATERIALIZED (
    SELECT id FROM {SCHEMA}.labs WHERE id IN (SELECT lab_id FROM wanted) ORDER BY id FOR UPDATE
)
INSERT INTO {SCHEMA}.run_claims AS claim (lab_id, sequence, holder)
SELECT wanted.lab_id, wanted.sequence, wanted.holder FROM locked JOIN wanted ON wanted.lab_id = locked.id
ON CONFLICT (lab_id, sequence) DO UPDATE SET
    holder = excluded.holder,
    run_id = CASE WHEN claim.holder = excluded.holder THEN claim.run_id END,
    claimed_at = CASE WHEN claim.holder = excluded.holder THEN claim.claimed_at ELSE clock_timestamp() END
WHERE claim.holder = excluded.holder
    OR (claim.run_id IS NULL AND claim.holder = '{_RELEASED}')
    OR EXISTS (SELECT FROM {SCHEMA}.runs run WHERE run.run_id = claim.run_id AND run.ended_at IS NOT NULL)
RETURNING lab_id
""")
"""The labs are locked in the order of their ids, as everywhere. The statement sees runs as they were at its beginning,
so a run that it does not see counts as active."""


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
