"""The lists of a deployment in memory, filtered and sorted in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from datalab.results.files import VALIDATION_STATUS
from datalab.results.status import ValidationStatus
from datalab_dagster.service import (
    DatasetListInfo,
    DatasetQuery,
    HistoryListInfo,
    HistoryQuery,
    LabInfo,
    LabListInfo,
    LabQuery,
    LabState,
    ListQuery,
    OtherLabListInfo,
    RefreshInfo,
    ResultListInfo,
    ResultQuery,
    UseInfo,
)

if TYPE_CHECKING:
    from tests.fakes import MemoryService

Entry = TypeVar("Entry")
_STATES = list(LabState)


class MemoryLists:
    """The lists of datasets and labs; the history of a lab is in no page."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service

    def datasets(self, query: DatasetQuery) -> DatasetListInfo:
        every = self._service.datasets()
        found = [
            one
            for one in every
            if (query.text.lower() in one.name.lower() or one.manifest_hash.startswith(query.text))
            and (query.kind is None or (one.facts is not None and one.facts.kind is query.kind))
            and (query.use is None or bool(one.labs) == (query.use == "used"))
        ]
        columns: dict[str, Callable[[Any], Any]] = {
            "created": lambda one: one.created_at,
            "name": lambda one: one.name.lower(),
            "kind": lambda one: one.facts.kind or "" if one.facts else "",
            "size": lambda one: one.size,
            "rows": lambda one: one.rows or 0,
            "uses": lambda one: len(one.labs),
        }
        shown = _cut(found, query, columns)
        return DatasetListInfo(
            datasets=shown,
            uses={one.manifest_hash: self._uses(one.manifest_hash) for one in shown},
            found=len(found),
            total=len(every),
            size=sum(one.size for one in every),
            without_key=0,
        )

    def labs(self, query: LabQuery) -> LabListInfo:
        every = self._service.labs()
        found = [
            lab
            for lab in every
            if query.text.lower() in (lab.name + lab.id).lower() and query.state in (None, lab.state.state)
        ]
        columns: dict[str, Callable[[Any], Any]] = {
            "created": lambda lab: lab.created_at,
            "name": lambda lab: lab.name.lower(),
            "state": lambda lab: _STATES.index(lab.state.state),
            "refreshed": lambda lab: max((slot.provisioned_at for slot in lab.slots), default=lab.created_at),
        }
        shown = _cut(found, query, columns)
        return LabListInfo(
            labs=shown,
            statuses=dict(self._statuses(shown)),
            found=len(found),
            total=len(every),
            states=Counter(lab.state.state for lab in every),
        )

    def other_labs(self, query: LabQuery) -> OtherLabListInfo:
        every = self._service.other_labs()
        found = [
            lab
            for lab in every
            if query.text.lower() in (lab.name + lab.id).lower() and query.state in (None, lab.state)
        ]
        shown = found[query.first : query.first + query.count]
        return OtherLabListInfo(labs=shown, found=len(found), total=len(every))

    def history(self, lab: str, query: HistoryQuery) -> HistoryListInfo:
        raise NotImplementedError("events in memory are in no page")

    def results(self, lab: str, query: ResultQuery) -> ResultListInfo:
        raise NotImplementedError("results in memory are in no page")

    def refreshes(self, lab: str) -> list[RefreshInfo]:
        return [
            RefreshInfo(run_id=one.run_id, at=one.created_at, datasets=one.datasets, numbers=one.summary)
            for one in reversed(self._service.results(lab))
        ]

    def _statuses(self, labs: Iterable[LabInfo]) -> Iterator[tuple[str, ValidationStatus]]:
        for lab in labs:
            result = self._service.current_result(lab.id)
            if result is not None and VALIDATION_STATUS.name in result.files:
                status = self._service.result_file(lab.id, VALIDATION_STATUS.name)
                yield lab.id, ValidationStatus.model_validate_json(status)

    def _uses(self, manifest_hash: str) -> list[UseInfo]:
        return [
            UseInfo(lab_id=lab.id, lab_name=lab.name, lab_created_at=lab.created_at, kind=slot.kind)
            for lab in self._service.labs()
            for slot in lab.slots
            if slot.manifest_hash == manifest_hash
        ]


def _cut(found: Iterable[Entry], query: ListQuery, columns: Mapping[str, Callable[[Any], Any]]) -> list[Entry]:
    ordered = sorted(found, key=columns[query.column], reverse=query.descending)
    return ordered[query.first : query.first + query.count]
