"""The invalid rows of a deployment on this machine, behind `InvalidRows`, which documents every call."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from datalab.deployment import Deployment
from datalab.deployment.addresses import INVALID_ROWS, SUMMARY, Address, validated
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.invalid_rows import InvalidRowsFile, checked_reason
from datalab.errors import InputMissing
from datalab.kinds import KINDS, DatasetKind
from datalab.registry import Lab, Result
from datalab.registry.errors import DatasetNotFound, KeyNotFound
from datalab.registry.ownership import Verb
from datalab.statistics.datasets import ValidatedDataset
from datalab.storage.errors import EncryptedFileDamaged
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.infos import find_result
from datalab_dagster.service.invalid_rows import MOST_PAGE_ROWS, PAGE_ROWS, InvalidRowInfo, InvalidRowsInfo, RowsQuery
from datalab_dagster.service.pieces import Pieces

GONE = (InputMissing, DatasetNotValidated, DatasetNotFound, KeyNotFound, EncryptedFileDamaged)
"""What a private file raises whose dataset was deleted, or that was never kept."""


class LocalRows:
    """The invalid rows, as `user` may read them."""

    def __init__(self, deployment: Deployment, user: str) -> None:
        self._deployment = deployment
        self._registry = deployment.registry
        self._user = user

    def page(self, wanted: RowsQuery, *, first: int = 0, count: int = PAGE_ROWS) -> InvalidRowsInfo:
        kind = wanted.kind
        with self._opened(wanted) as (found, result, file):
            summary = self._summary(found, result, kind)
            by_reason = {code: rows for code, rows in summary.invalid_rows_by_reason.items() if rows}
            reason = checked_reason(wanted.reason, sorted(by_reason))
            rows, matching = file.page(reason, max(0, first), max(1, min(count, MOST_PAGE_ROWS)))
            return InvalidRowsInfo(
                lab_id=found.id,
                kind=kind,
                run_id=result.run_id,
                columns=_columns(found, kind),
                total=max(file.count, summary.invalid_rows if summary.outcome == "PASSED" else 0),
                kept=file.count,
                reasons=by_reason,
                reason=reason,
                matching=matching,
                first=first,
                rows=[InvalidRowInfo.model_validate(row) for row in rows],
            )

    def csv(self, wanted: RowsQuery) -> BinaryIO:
        with ExitStack() as stack:
            found, result, file = stack.enter_context(self._opened(wanted))
            by_reason = self._summary(found, result, wanted.kind).invalid_rows_by_reason
            pieces = file.csv(_columns(found, wanted.kind), checked_reason(wanted.reason, sorted(by_reason)))
            return cast("BinaryIO", _Pieces(pieces, stack.pop_all()))

    @contextmanager
    def _opened(self, wanted: RowsQuery) -> Generator[tuple[Lab, Result, InvalidRowsFile]]:
        kind = wanted.kind
        found = self._registry.labs.get_for(self._user, Verb.READ_REPORTS, wanted.lab)
        result = find_result(self._registry, found.id, wanted.run_id)
        if kind not in result.datasets:
            raise ResultNotFound(found.id, f"invalid rows of {kind.value}")
        with ExitStack() as stack:
            try:
                place, address = self._place(found), self._address(result, kind, INVALID_ROWS)
                file = stack.enter_context(place.stored_rows(place.newest(address)))
            except GONE:
                raise ResultNotFound(
                    found.id,
                    f"invalid rows of {kind.value} that can be read: its dataset was deleted, or an earlier version "
                    "validated it; validate again to keep them",
                ) from None
            yield found, result, InvalidRowsFile(file)

    def _address(self, result: Result, kind: DatasetKind, name: str) -> Address:
        dataset = self._registry.datasets.get(result.datasets[kind])
        self._registry.ownership.check(self._user, Verb.READ_REPORT, dataset)
        return validated(kind, dataset.manifest_hash, name)

    def _summary(self, lab: Lab, result: Result, kind: DatasetKind) -> ValidatedDataset:
        place = self._place(lab)
        stored = place.read(place.newest(validated(kind, result.datasets[kind], SUMMARY)))
        return ValidatedDataset.model_validate_json(stored)

    def _place(self, lab: Lab) -> EncryptedPlace:
        return self._deployment.folders.place(lab.id)


def _columns(lab: Lab, kind: DatasetKind) -> list[str]:
    return [column.name for column in KINDS[kind].row_columns(lab.definition)]


class _Pieces(Pieces):
    """Reads what is computed piece by piece, and closes what it is computed from."""

    def __init__(self, pieces: Iterator[bytes], opened: ExitStack) -> None:
        super().__init__()
        self._pieces = pieces
        self._opened = opened

    def next_piece(self) -> bytes:
        try:
            return next(filter(None, self._pieces), b"")
        except BaseException:
            self._opened.__exit__(*sys.exc_info())  # raises what the damage of the file is called
            raise

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()
