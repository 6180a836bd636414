"""Results of runs: which one is current, the history, and how long they are kept. The caller stores their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from datalab.registry.copies import NO_COPIES, Documents, add_copies, copied_run, replace_copies
from datalab.registry.database import Database
from datalab.registry.facts import newest_result_on, now_in
from datalab.registry.lab_locks import LabLock
from datalab.registry.models import LabRow, ResultRow
from datalab.registry.queries import in_order, live_lab, locked_run, provisioned
from datalab.registry.records import NewResult, Result
from datalab.registry.refreshes import keep_numbers, refreshes_of
from datalab.results.files import ResultFile
from datalab.results.refreshes import Refresh


class Results:
    """The results of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, run_id: str, result: NewResult, *, lock: LabLock | None = None) -> bool:
        """Keep the verdict of a run and what it has computed so far, for exactly the datasets of the run.

        The verdict counts immediately; the run continues until its end is recorded. If its datasets were replaced
        before, the result is history, not current. A repeated call changes nothing.

        Args:
            run_id: the run.
            result: its verdict and what it has computed.
            lock: of the lab, which the run must still hold: until this transaction ends, no other run can start.

        Returns:
            False: the lock was lost, and nothing is recorded.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.write() as session:
            run = locked_run(session, run_id)
            if lock is not None and not lock.is_held_in(session):
                return False
            if session.scalars(select(ResultRow).where(ResultRow.run_id == run_id)).first() is None:
                row = ResultRow(
                    run_id=run_id,
                    lab_id=run.lab_id,
                    datasets=run.datasets,
                    status=result.status,
                    paths=dict(result.paths),
                    summary=dict(result.summary),
                    names_checked=True,
                )
                session.add(row)
                session.flush()
                _copy(session, row, result.copies)
            return True

    def add_file(self, run_id: str, file: ResultFile, path: str, copies: Documents = NO_COPIES) -> None:
        """Add a file to the result of a run, and to its copies; without a kept result nothing changes."""
        with self._database.write() as session:
            row = session.scalars(select(ResultRow).where(ResultRow.run_id == run_id).with_for_update()).first()
            if row is not None:
                row.paths = {**row.paths, file.name: path}
                if copied_run(session, row.lab_id) == run_id:
                    add_copies(session, row.lab_id, run_id, copies)

    def copy(self, run_id: str, copies: Documents) -> None:
        """Keep copies of the documents of a result, if it is the current one of its lab."""
        with self._database.write() as session:
            locked_run(session, run_id)
            row = session.scalars(select(ResultRow).where(ResultRow.run_id == run_id)).first()
            if row is not None:
                _copy(session, row, copies)

    def current(self, lab_id: str) -> Result | None:
        """Return the newest result that was computed from exactly the datasets provisioned now, if there is one.

        Raises:
            LabNotFound: there is no such lab.
        """
        with self._database.read() as session:
            live_lab(session, lab_id)
            row = current_row(session, lab_id)
            return result_of(row) if row else None

    def current_of(self, ids: Sequence[str]) -> list[Result]:
        """Return the current results of these labs, of those that have one, with one query."""
        now = now_in(ids)
        current = newest_result_on(now, ResultRow.number).subquery()
        query = select(ResultRow).join(current, current.c.number == ResultRow.number).order_by(ResultRow.lab_id)
        with self._database.read() as session:
            return [result_of(row) for row in session.scalars(query)]

    def history(self, lab_id: str, *, limit: int | None = None) -> list[Result]:
        """Return the kept results of a lab, the newest first; deleted labs too."""
        query = kept(lab_id).limit(limit)
        with self._database.read() as session:
            return [result_of(row) for row in session.scalars(query)]

    def refreshes(self, lab_id: str) -> list[Refresh]:
        """Return the newest refreshes of a lab with their headline numbers, the oldest first; forgotten ones too."""
        with self._database.read() as session:
            return refreshes_of(session, lab_id)

    def expire(self, *, keep: int) -> list[Result]:
        """Take all but the newest `keep` results of each lab out of the history; the current one always stays.

        All results of deleted labs are taken out.

        Returns:
            Every result whose files are to be removed, also those of earlier calls: call `forget` after their removal.
            A crash between the two calls loses nothing.
        """
        with self._database.write() as session:
            for lab_id in session.scalars(select(LabRow.id).order_by(LabRow.id)).all():
                lab = session.get_one(LabRow, lab_id, with_for_update=True)
                current = None if lab.deleted_at else current_row(session, lab_id)
                for row in session.scalars(kept(lab_id)).all()[0 if lab.deleted_at else max(keep, 0) :]:
                    if row is not current:
                        row.expired_at = session.scalars(select(func.clock_timestamp())).one()
            rows = session.scalars(
                select(ResultRow).where(ResultRow.expired_at.is_not(None)).order_by(ResultRow.number)
            )
            return [result_of(row) for row in rows]

    def forget(self, results: Iterable[Result]) -> None:
        """Delete expired results whose files are removed; the headline numbers of the newest stay for trends."""
        numbers = [result.number for result in results]
        with self._database.write() as session:
            keep_numbers(session, numbers)
            session.execute(delete(ResultRow).where(ResultRow.number.in_(numbers), ResultRow.expired_at.is_not(None)))


def _copy(session: Session, row: ResultRow, copies: Documents) -> None:
    if copies and current_row(session, row.lab_id) is row:
        replace_copies(session, row.lab_id, row.run_id, copies)


def kept(lab_id: str) -> Select[ResultRow]:
    """Return the query of the results of a lab that are kept, the newest first."""
    condition = (ResultRow.lab_id == lab_id, ResultRow.expired_at.is_(None))
    return select(ResultRow).where(*condition).order_by(ResultRow.number.desc())


def current_row(session: Session, lab_id: str) -> ResultRow | None:
    """Return the newest result that was computed from exactly the datasets provisioned now."""
    query = kept(lab_id).where(ResultRow.datasets == provisioned(session, lab_id))
    return session.scalars(query.limit(1)).first()


def result_of(row: ResultRow) -> Result:
    return Result(
        number=row.number,
        run_id=row.run_id,
        lab_id=row.lab_id,
        datasets=in_order(row.datasets),
        status="SUCCESS" if row.status == "SUCCESS" else "FAILED",
        paths=row.paths,
        summary=row.summary,
        names_checked=row.names_checked,
        created_at=row.created_at,
    )
