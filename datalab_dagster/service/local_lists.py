"""The lists of a deployment on this machine, behind `Lists`, which documents every call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from datalab.deployment import Deployment
from datalab.registry import Run
from datalab.registry.lists import Use
from datalab.registry.ownership import Verb
from datalab.registry.wanted import DatasetQuery, HistoryQuery, LabQuery, ResultQuery
from datalab.results.files import VALIDATION_STATUS
from datalab.results.status import ValidationStatus
from datalab.storage.errors import StoreUnreachable
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.infos import dataset_info, lab_info, other_lab_info, result_content, result_info
from datalab_dagster.service.lists import (
    DatasetListInfo,
    HappenedInfo,
    HistoryListInfo,
    LabListInfo,
    OtherLabListInfo,
    RefreshInfo,
    ResultListInfo,
    UseInfo,
)
from datalab_dagster.service.models import EventInfo, LabInfo, RunInfo
from datalab_dagster.service.runs import LocalRuns


class LocalLists:
    """The lists, as `user` may see them.

    Args:
        deployment: whose lists they are.
        user: whose view of the lists it is.
        run_info: returns a run as the service does.
        runs: the runs of the deployment, which know whether `datalab up` is running.
    """

    def __init__(self, deployment: Deployment, user: str, run_info: Callable[[Run], RunInfo], runs: LocalRuns) -> None:
        self._deployment = deployment
        self._registry = deployment.registry
        self._user = user
        self._run_info = run_info
        self._runs = runs

    def datasets(self, query: DatasetQuery) -> DatasetListInfo:
        asker = self._registry.ownership.check(self._user, Verb.LIST)
        page = self._registry.lists.datasets(asker, query)
        return DatasetListInfo(
            datasets=[dataset_info(dataset, asker) for dataset in page.datasets],
            uses={manifest_hash: _uses(uses) for manifest_hash, uses in page.uses.items()},
            found=page.found,
            total=page.total,
            size=page.size,
            without_key=page.without_key,
        )

    def labs(self, query: LabQuery) -> LabListInfo:
        asker = self._registry.ownership.check(self._user, Verb.READ_LAB)
        page = self._registry.lists.labs(asker, query)
        labs = {lab.id: lab for lab in self._labs(page.ids)}
        listed = [labs[lab_id] for lab_id in page.ids if lab_id in labs]
        return LabListInfo(
            labs=listed,
            statuses=dict(self._statuses(page.ids)),
            found=page.found,
            total=page.total,
            states=dict(page.states),
        )

    def other_labs(self, query: LabQuery) -> OtherLabListInfo:
        asker = self._registry.ownership.check(self._user, Verb.LIST)
        page = self._registry.lists.labs(asker, query, others=True)
        states = {lab.id: other_lab_info(lab, explained) for lab, explained in self._registry.labs.states(page.ids)}
        listed = [states[lab_id] for lab_id in page.ids if lab_id in states]
        return OtherLabListInfo(labs=listed, found=page.found, total=page.total)

    def history(self, lab: str, query: HistoryQuery) -> HistoryListInfo:
        found = self._registry.labs.get_for(self._user, Verb.READ_LAB, lab)
        page = self._registry.history.entries(found.id, query)
        entries = [
            HappenedInfo(
                event=EventInfo.model_validate(entry.event) if entry.event else None,
                run=self._run_info(entry.run) if entry.run else None,
                verdict=entry.verdict,
            )
            for entry in page.entries
        ]
        return HistoryListInfo(entries=entries, names=dict(page.names), found=page.found, total=page.total)

    def results(self, lab: str, query: ResultQuery) -> ResultListInfo:
        found = self._registry.labs.get_for(self._user, Verb.READ_LAB, lab)
        page = self._registry.history.results(found.id, query)
        shown = self._deployment.folders.shown(found.id)
        results = [result_info(shown, result, page.current) for result in page.results]
        return ResultListInfo(results=results, names=dict(page.names), found=page.found, total=page.total)

    def refreshes(self, lab: str) -> list[RefreshInfo]:
        found = self._registry.labs.get_for(self._user, Verb.READ_LAB, lab)
        return [RefreshInfo.model_validate(vars(one)) for one in self._registry.results.refreshes(found.id)]

    def _statuses(self, ids: Sequence[str]) -> Iterator[tuple[str, ValidationStatus]]:
        """Yield the status of each current result; none while the store is away: a list needs only the registry."""
        with contextlib.suppress(StoreUnreachable):
            for result in self._registry.results.current_of(ids):
                shown = self._deployment.folders.shown(result.lab_id)
                with contextlib.suppress(ResultNotFound, ValueError):  # expired meanwhile, or of another version
                    status = result_content(shown, result, VALIDATION_STATUS.name)
                    yield result.lab_id, ValidationStatus.model_validate_json(status)

    def _labs(self, ids: Sequence[str]) -> list[LabInfo]:
        held = self._registry.provisioning.all_current(ids)
        obstacle = self._runs.obstacle_of_list()
        return [
            lab_info(lab, explained, held.get(lab.id, {}), obstacle=obstacle)
            for lab, explained in self._registry.labs.states(ids)
        ]


def _uses(uses: Sequence[Use]) -> list[UseInfo]:
    """Return the uses of a dataset; of a lab that is not readable, that it uses it, once."""
    own = [
        UseInfo(lab_id=use.lab_id, lab_name=use.lab_name, lab_created_at=use.lab_created_at, kind=use.kind)
        for use in uses
        if use.readable
    ]
    hidden = {use.lab_id: use for use in uses if not use.readable}
    return own + [
        UseInfo(lab_id=use.lab_id, lab_name=use.lab_name, lab_created_at=use.lab_created_at, kind=None)
        for use in hidden.values()
    ]
