"""The deployment on this machine, behind the interface of all ways in, which documents every call."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Self

from datalab.deployment import Deployment
from datalab.deployment.parts import PartUploads
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, require_limits
from datalab.registry import Dataset, KeyRole, Lab, Run
from datalab.registry.ownership import User, Verb, decide
from datalab.results.validation import Hint
from datalab.storage import Key
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.service import infos, slots
from datalab_dagster.service.account_models import AuditInfo
from datalab_dagster.service.accounts import LocalAccounts
from datalab_dagster.service.errors import LabIncomplete
from datalab_dagster.service.keys import LocalKeys
from datalab_dagster.service.local_lists import LocalLists
from datalab_dagster.service.local_rows import LocalRows
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    ExpectedInfo,
    KeyAccess,
    KnownUsersInfo,
    LabInfo,
    OtherLabInfo,
    ResultInfo,
    RunInfo,
)
from datalab_dagster.service.protocol import Progress
from datalab_dagster.service.repairs import LocalRepairs
from datalab_dagster.service.reports import LocalReports
from datalab_dagster.service.runs import LocalRuns
from datalab_dagster.service.schedules import LocalSchedules
from datalab_dagster.service.uploads import LocalUploads


class LocalService:
    """A `HomeService` for the deployment that the environment names; threads may share it; Dagster is for runs only.

    Args:
        deployment: closed with the service.
        user: named in events and access lists.
        environment: for the processes of runs.
    """

    shared_labs = None

    def __init__(
        self,
        deployment: Deployment,
        user: str,
        environment: Mapping[str, str] = os.environ,
        dagster: DagsterAccess | None = None,
    ) -> None:
        self._deployment = deployment
        self._dagster = dagster or DagsterAccess(environment)
        self._registry = deployment.registry
        self._parts = PartUploads(deployment.datasets)
        self._runs = LocalRuns(deployment, self._dagster, environment)
        self._user = user
        self._reading = Verb.READ_LAB

    @property
    def user(self) -> str:
        return self._user

    def for_user(self, user: str) -> Self:
        """Return the same deployment for another user; both share open connections."""
        other = copy.copy(self)
        other._user = user
        return other

    def shared(self) -> Self:
        """Return the deployment with the labs only, and of them only the results, that are shared with the user."""
        other = copy.copy(self)
        other._reading = Verb.READ_SHARED
        return other

    @property
    def accounts(self) -> LocalAccounts:
        return LocalAccounts(self._registry.accounts, self._user)

    @property
    def keys(self) -> LocalKeys:
        return LocalKeys(self._deployment.datasets)

    def warm(self) -> None:
        """Load the code that starts a run in advance, because loading takes seconds."""
        self._runs.warm()

    def upload_dataset(
        self,
        source: BinaryIO,
        name: str,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
        progress: Progress | None = None,
    ) -> DatasetInfo:
        asker = self._may(Verb.MAKE)
        dataset = self._deployment.datasets.upload(
            source,
            name,
            by=self._user,
            key=key,
            description=description,
            usage=usage,
            keep_key=store_key,
            access=access,
            progress=progress,
        )
        return infos.stored_info(self._registry, dataset, asker)

    @property
    def uploads(self) -> LocalUploads:
        return LocalUploads(self._parts, self._may(Verb.MAKE))

    @property
    def repairs(self) -> LocalRepairs:
        return LocalRepairs(self._deployment, self._user)

    def datasets(self) -> list[DatasetInfo]:
        asker = self._may(Verb.LIST)
        return [infos.dataset_info(dataset, asker) for dataset in self._registry.datasets.all()]

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        asker = self._may(Verb.LIST)
        return infos.described_info(self._registry, self._registry.datasets.get(manifest_hash), asker)

    def inspect_dataset(self, manifest_hash: str) -> DatasetInfo:
        self._deployment.datasets.inspect(manifest_hash, self.dataset_key(manifest_hash))
        return self.dataset(manifest_hash)

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        if key is not None:
            self._may(Verb.DECRYPT, self._registry.datasets.get(manifest_hash))
        return self._deployment.datasets.open(manifest_hash, key or self.dataset_key(manifest_hash))  # type: ignore[return-value]

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        self._may(Verb.DELETE, self._registry.datasets.get(manifest_hash))
        self._deployment.datasets.delete(manifest_hash, by=self._user, force=force)

    def dataset_key(self, manifest_hash: str) -> Key:
        return self._deployment.datasets.key(manifest_hash, user=self._user)

    def key_access(self, manifest_hash: str) -> KeyAccess:
        return KeyAccess(users=dict(self._registry.keychain.entry(manifest_hash, user=self._user).access))

    def set_key_access(self, manifest_hash: str, access: Mapping[str, KeyRole]) -> KeyAccess:
        return KeyAccess(users=dict(self._registry.keychain.set_access(manifest_hash, access, by=self._user).access))

    def create_lab(self, definition: LabDefinition) -> LabInfo:
        self._may(Verb.MAKE)
        return self._lab_info_now(self._registry.labs.create(definition, by=self._user))

    def labs(self) -> list[LabInfo]:
        asker = self._may(self._reading)
        held = self._registry.provisioning.all_current() if self._reading is Verb.READ_LAB else {}
        obstacle = self._runs.obstacle_of_list()
        return [
            infos.lab_info(lab, explained, held.get(lab.id, {}), obstacle=obstacle)
            for lab, explained in self._registry.labs.states()
            if decide(asker, self._reading, lab) is None
        ]

    def other_labs(self) -> list[OtherLabInfo]:
        asker = self._may(Verb.LIST)
        return [
            infos.other_lab_info(lab, explained)
            for lab, explained in self._registry.labs.states()
            if decide(asker, Verb.READ_LAB, lab) is not None
        ]

    def lab(self, lab: str) -> LabInfo:
        return self._lab_info_now(self._lab(lab, Verb.READ_LAB), loads_dagster=True)

    def set_lab_owners(self, lab: str, owners: Sequence[str]) -> LabInfo:
        return self._lab_info_now(self._registry.labs.set_owners(self._lab(lab, Verb.CHANGE_LAB).id, owners))

    def rekey_lab(self, lab: str) -> LabInfo:
        return self._lab_info_now(self._registry.labs.rekey(self._lab(lab, Verb.CHANGE_LAB).id))

    def delete_lab(self, lab: str) -> None:
        self._registry.labs.delete(self._lab(lab, Verb.CHANGE_LAB).id, by=self._user)
        self._runs.stop_outdated()

    def change(
        self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "", check_kinds: bool = False
    ) -> LabInfo:
        found = self._lab(lab, Verb.CHANGE_LAB)
        change = slots.change(self._registry, self._user, found.id, changes, cause=cause, check_kinds=check_kinds)
        self._runs.answer(found, change)
        return self._lab_info_now(found)

    def expect(self, lab: str, expected: Mapping[DatasetKind, ExpectedInfo]) -> LabInfo:
        found = self._lab(lab, Verb.CHANGE_LAB)
        self._registry.provisioning.expect(found.id, {kind: one.model_dump() for kind, one in expected.items()})
        return self._lab_info_now(found)

    def known_users(self, lab: str, chosen: Mapping[DatasetKind, str]) -> dict[DatasetKind, KnownUsersInfo]:
        known = slots.known_users_of(self._deployment, self._user, self._lab(lab, Verb.CHANGE_LAB).id, chosen)
        return {kind: KnownUsersInfo.model_validate(one) for kind, one in known.items()}

    def events(self, lab: str) -> list[EventInfo]:
        events = self._registry.provisioning.events(self._lab(lab, Verb.READ_LAB).id)
        return [EventInfo.model_validate(event) for event in events]

    @property
    def schedules(self) -> LocalSchedules:
        return LocalSchedules(self._deployment, self._dagster, self._user)

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        found = self._lab(lab, Verb.CHANGE_LAB)
        require_limits(found.definition)
        if missing := self._deployment.missing(found):
            raise LabIncomplete(found.id, [kind.value for kind in missing])
        return self._run_info(self._runs.validate(found, again=again, by=self._user))

    def run(self, run_id: str) -> RunInfo:
        run = self._runs.get(run_id)
        self._lab(run.lab_id, Verb.READ_LAB)
        return self._run_info(run, self._runs.steps(run))

    def runs(self, lab: str) -> list[RunInfo]:
        return [self._run_info(run) for run in self._registry.runs.history(self._lab(lab, Verb.READ_LAB).id)]

    def cancel_run(self, run_id: str) -> RunInfo:
        self._lab(self._registry.runs.get(run_id).lab_id, Verb.CHANGE_LAB)
        return self._run_info(self._runs.cancel(run_id, by=self._user))

    def results(self, lab: str) -> list[ResultInfo]:
        lab_id = self._lab(lab, Verb.READ_LAB).id
        current = self._registry.results.current(lab_id)
        shown = self._deployment.folders.shown(lab_id)
        return [infos.result_info(shown, result, current) for result in self._registry.results.history(lab_id)]

    def current_result(self, lab: str) -> ResultInfo | None:
        current = self._registry.results.current(self._lab(lab, self._reading).id)
        return infos.result_info(self._deployment.folders.shown(current.lab_id), current, current) if current else None

    def result_file(self, lab: str, name: str, *, run_id: str | None = None) -> bytes:
        result = infos.find_result(self._registry, self._lab(lab, self._reading).id, run_id)
        return infos.result_content(self._deployment.folders.shown(result.lab_id), result, name)

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        return self._reports(lab, run_id).report(kind)

    def hints(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> list[Hint]:
        return self._reports(lab, run_id).hints(kind)

    def _reports(self, lab: str, run_id: str | None) -> LocalReports:
        result = infos.find_result(self._registry, self._lab(lab, Verb.READ_REPORTS).id, run_id)
        return LocalReports(self._deployment, result, lambda dataset: self._may(Verb.READ_REPORT, dataset))

    @property
    def invalid_rows(self) -> LocalRows:
        return LocalRows(self._deployment, self._user)

    @property
    def lists(self) -> LocalLists:
        return LocalLists(self._deployment, self._user, self._run_info, self._runs)

    def audit_log(self, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
        return infos.audit_infos(self._registry, self._may(Verb.AUDIT), limit=limit, before=before)

    def close(self) -> None:
        self._runs.close()
        self._dagster.close()
        self._deployment.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _may(self, verb: Verb, thing: Dataset | None = None) -> User:
        return self._registry.ownership.check(self._user, verb, thing)

    def _lab(self, lab: str, verb: Verb) -> Lab:
        """Return the lab of this id or name, to a user who may do this."""
        return self._registry.labs.get_for(self._user, verb, lab)

    def _lab_info_now(self, lab: Lab, *, loads_dagster: bool = False) -> LabInfo:
        explained, slots = self._registry.labs.state(lab.id), self._registry.provisioning.current(lab.id)
        return infos.lab_info(lab, explained, slots, obstacle=lambda: self._runs.obstacle(loads_dagster=loads_dagster))

    def _run_info(self, run: Run, steps: Sequence[Any] = ()) -> RunInfo:
        return RunInfo.model_validate({**vars(run), "url": self._runs.url(run), "steps": list(steps)})
