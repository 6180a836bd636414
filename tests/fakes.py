"""A deployment in memory for tests of what talks to one: the rules of labs are the real ones, runs end when told to."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, BinaryIO, Self

from datalab.ingest.recognise import recognise
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Action, Facts, KeyRole, RunState, Verdict, state_of
from datalab.registry.errors import (
    DatasetInUse,
    DatasetNotFound,
    KeyAccessDenied,
    LabNameAmbiguous,
    LabNotFound,
    Problem,
    ProblemCode,
    ProvisioningRefused,
    RunNotFound,
)
from datalab.results.validation import Hint
from datalab.statistics.recognised import file_problems
from datalab.storage import Key
from datalab_dagster.service import (
    DatasetInfo,
    EventInfo,
    KeyAccess,
    LabIncomplete,
    LabInfo,
    OtherLabInfo,
    ResultInfo,
    ResultNotFound,
    RunInfo,
    SlotInfo,
    StateInfo,
    StepInfo,
)
from datalab_dagster.service.models import ExpectedInfo, KnownUsersInfo
from tests.fake_lists import MemoryLists
from tests.fake_repairs import MemoryRepairs
from tests.fake_schedules import MemorySchedules

STEPS = ("identifiers", "identifiers_validation_report", "statistics_report", "dashboard")
CHUNK = 1 << 16


class MemoryService:
    """A `LabService` whose runs are active until `end_run`; `before_poll` is called before every query of a run."""

    shared_labs = None

    def __init__(self, user: str = "me@publisher.example") -> None:
        self._user = user
        self._clock = itertools.count()
        self.shown_hints: dict[DatasetKind, list[Hint]] = {}
        self._numbers = itertools.count(1)
        self._labs: dict[str, LabInfo] = {}
        self.schedules = MemorySchedules(self)
        self._slots: dict[str, dict[DatasetKind, SlotInfo]] = {}
        self._events: dict[str, list[EventInfo]] = {}
        self._datasets: dict[str, DatasetInfo] = {}
        self._contents: dict[str, bytes] = {}
        self._keys: dict[str, dict[str, KeyRole]] = {}
        self._runs: dict[str, RunInfo] = {}
        self._results: list[ResultInfo] = []
        self._files: dict[tuple[str, str], bytes] = {}
        self._reports: dict[tuple[str, DatasetKind], bytes] = {}
        self.before_poll: Callable[[MemoryService], None] = lambda service: None
        self.others: list[OtherLabInfo] = []
        self.uploads: list[str] = []
        """Names of all files that were uploaded."""

    @property
    def user(self) -> str:
        return self._user

    # ----------------------------------------------------------------------------------------------- datasets

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
        progress: Callable[[int], None] | None = None,
    ) -> DatasetInfo:
        del key
        content = b""
        while block := source.read(CHUNK):
            content += block
            if progress is not None:
                progress(len(block))
        self.uploads.append(name)
        manifest_hash = hashlib.sha256(f"{next(self._numbers)}".encode() + content).hexdigest()
        same = [other for other, stored in self._contents.items() if stored == content]
        self._contents[manifest_hash] = content
        if store_key:
            self._keys[manifest_hash] = dict(access or {self.user: KeyRole.OWNER})
        self._datasets[manifest_hash] = DatasetInfo(
            manifest_hash=manifest_hash,
            name=name,
            description=description,
            size=len(content),
            rows=None,
            usage="TEST" if usage == "TEST" else "PUBLISHED",
            created_at=self._now(),
            created_by=self.user,
            secret_id=f"secret-{manifest_hash[:8]}" if store_key else None,
            your_role=KeyRole.OWNER,
            labs=[],
            facts=recognise(content, is_whole=True),
            same_content=same,
        )
        return self._datasets[manifest_hash]

    @property
    def repairs(self) -> MemoryRepairs:
        return MemoryRepairs(self)

    def datasets(self) -> list[DatasetInfo]:
        return [self.dataset(manifest_hash) for manifest_hash in self._datasets]

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        if manifest_hash not in self._datasets:
            raise DatasetNotFound(manifest_hash)
        labs = [
            lab
            for lab, slots in self._slots.items()
            if any(slot.manifest_hash == manifest_hash for slot in slots.values())
        ]
        return self._datasets[manifest_hash].model_copy(update={"labs": labs})

    def inspect_dataset(self, manifest_hash: str) -> DatasetInfo:
        return self.dataset(manifest_hash)

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        del key
        self.key_access(manifest_hash)
        return io.BytesIO(self._contents[manifest_hash])

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        used = self.dataset(manifest_hash).labs
        if used and not force:
            raise DatasetInUse(manifest_hash, [(lab, self._labs[lab].name) for lab in used])
        for lab in used:
            self._slots[lab] = {k: s for k, s in self._slots[lab].items() if s.manifest_hash != manifest_hash}
        del self._datasets[manifest_hash]

    def dataset_key(self, manifest_hash: str) -> Key:
        self.key_access(manifest_hash)
        return Key()

    def key_access(self, manifest_hash: str) -> KeyAccess:
        self.dataset(manifest_hash)
        if self.user not in self._keys.get(manifest_hash, {}):
            raise KeyAccessDenied(manifest_hash, self.user)
        return KeyAccess(users=self._keys[manifest_hash])

    def set_key_access(self, manifest_hash: str, access: Mapping[str, KeyRole]) -> KeyAccess:
        self._keys[manifest_hash] = dict(access)
        return KeyAccess(users=dict(access))

    # --------------------------------------------------------------------------------------------------- labs

    def create_lab(self, definition: LabDefinition) -> LabInfo:
        lab_id = f"lab-{next(self._numbers)}"
        self._slots[lab_id], self._events[lab_id] = {}, []
        self._labs[lab_id] = LabInfo(
            id=lab_id,
            partition_key=f"key~{lab_id}",
            name=definition.name,
            definition=definition,
            created_at=self._now(),
            created_by=self.user,
            owners=[self.user],
            state=StateInfo.model_validate(vars(state_of(Facts(lab_id, definition.datasets, [])))),
            slots=[],
        )
        return self._labs[lab_id]

    def labs(self) -> list[LabInfo]:
        return [self.lab(lab) for lab in self._labs]

    def other_labs(self) -> list[OtherLabInfo]:
        return self.others

    def set_lab_owners(self, lab: str, owners: Sequence[str]) -> LabInfo:
        lab = self._id(lab)
        self._labs[lab] = self._labs[lab].model_copy(update={"owners": list(dict.fromkeys(owners))})
        return self.lab(lab)

    def lab(self, lab: str) -> LabInfo:
        lab = self._id(lab)
        found = self._labs[lab]
        held = self._held(lab)
        runs = [run for run in self._runs_of(lab) if run.datasets == held]
        result = self.current_result(lab)
        begun_after = [run for run in runs if result is None or run.started_at > result.created_at]
        facts = Facts(
            lab,
            found.definition.datasets,
            list(held),
            verdict=result.status if result else None,
            run=begun_after[0].state if begun_after else None,
            reason=begun_after[0].reason if begun_after else None,
            validated_before=bool(self._results_of(lab)),
        )
        return found.model_copy(
            update={
                "state": StateInfo.model_validate(vars(state_of(facts))),
                "slots": [self._slots[lab][kind] for kind in DatasetKind if kind in held],
            }
        )

    def rekey_lab(self, lab: str) -> LabInfo:
        lab = self._id(lab)
        self._labs[lab] = self._labs[lab].model_copy(update={"partition_key": f"{self._labs[lab].name.lower()}~new"})
        return self.lab(lab)

    def delete_lab(self, lab: str) -> None:
        found = self.lab(lab).id
        del self._labs[found], self._slots[found]

    def change(
        self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "", check_kinds: bool = False
    ) -> LabInfo:
        found = self.lab(lab)
        problems = [
            Problem(ProblemCode.NOT_PROVISIONED, kind, f"Nothing is provisioned as {kind.value}")
            for kind, manifest_hash in changes.items()
            if manifest_hash is None and kind not in self._slots[found.id]
        ]
        after = {**self._held(found.id), **changes}
        if any(after.values()) and after.get(DatasetKind.IDENTIFIERS) is None:
            message = "Choose Identifiers too: the other slots need them"
            problems.append(Problem(ProblemCode.IDENTIFIERS_MISSING, DatasetKind.IDENTIFIERS, message))
        for kind, manifest_hash in changes.items() if check_kinds else ():
            facts = self.dataset(manifest_hash).facts if manifest_hash else None
            if facts and facts.kind not in (None, kind):
                problems.append(Problem(ProblemCode.KIND_MISMATCH, kind, f"It looks like {facts.kind.value}"))
        if problems:
            raise ProvisioningRefused(found.id, problems)
        for kind, manifest_hash in changes.items():
            self._change(found.id, kind, manifest_hash, cause)
        return self.lab(found.id)

    def expect(self, lab: str, expected: Mapping[DatasetKind, ExpectedInfo]) -> LabInfo:
        slots = self._slots[self.lab(lab).id]
        for kind, one in expected.items():
            slots[kind] = slots[kind].model_copy(update={"expected": one})
        return self.lab(lab)

    def known_users(self, lab: str, chosen: Mapping[DatasetKind, str]) -> dict[DatasetKind, KnownUsersInfo]:
        self.lab(lab)
        return {}

    def events(self, lab: str) -> list[EventInfo]:
        return list(self._events[self.lab(lab).id])

    # --------------------------------------------------------------------------------------------------- runs

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        found = self.lab(lab)
        held = self._held(found.id)
        missing = [kind.value for kind in found.definition.datasets if kind not in held]
        if missing:
            raise LabIncomplete(found.id, missing)
        for run in self.runs(found.id):
            if not again and run.datasets == held and run.state in (RunState.STARTED, RunState.FINISHED):
                return run
        run_id = str(uuid.UUID(int=next(self._numbers) << 96))
        self._runs[run_id] = RunInfo(
            run_id=run_id,
            lab_id=found.id,
            datasets=held,
            cause="by hand",
            state=RunState.STARTED,
            reason=None,
            started_at=self._now(),
            ended_at=None,
            steps=[StepInfo(name=name, state="PENDING") for name in STEPS],
        )
        return self._runs[run_id]

    def run(self, run_id: str) -> RunInfo:
        self.before_poll(self)
        if run_id not in self._runs:
            raise RunNotFound(run_id)
        return self._runs[run_id]

    def runs(self, lab: str) -> list[RunInfo]:
        return self._runs_of(self._id(lab))

    def add_assets(self, run_id: str, assets: list[str]) -> None:
        """A test says what a run materialises."""
        self._runs[run_id] = self._runs[run_id].model_copy(update={"assets": assets})

    def cancel_run(self, run_id: str) -> RunInfo:
        if not self.run(run_id).is_complete:
            self._end(run_id, RunState.CANCELLED, "cancelled by hand")
        return self._runs[run_id]

    def end_step(self, run_id: str) -> None:
        """Let the next step of a run succeed."""
        steps = list(self._runs[run_id].steps)
        number = next(number for number, step in enumerate(steps) if step.state == "PENDING")
        steps[number] = StepInfo(name=steps[number].name, state="SUCCESS", seconds=0.25)
        self._runs[run_id] = self._runs[run_id].model_copy(update={"steps": steps})

    def end_run(
        self,
        run_id: str,
        verdict: Verdict = "SUCCESS",
        files: Mapping[str, Any] | None = None,
        summary: Mapping[str, int] | None = None,
    ) -> ResultInfo:
        """Let a run finish with a result of these files (as JSON), or with replaced data when they were."""
        run = self._runs[run_id]
        self._end(run_id, RunState.FINISHED if run.datasets == self._held(run.lab_id) else RunState.SUPERSEDED)
        for name, content in (files or {}).items():
            self._files[run_id, name] = json.dumps(content).encode()
        for kind in run.datasets:
            self._reports[run_id, kind] = json.dumps({"version": "v0", "of": kind.value}).encode()
        self._results.append(
            ResultInfo(
                run_id=run_id,
                lab_id=run.lab_id,
                datasets=run.datasets,
                status=verdict,
                current=False,
                files=list(files or {}),
                reports=list(run.datasets),
                summary=dict(summary or {}),
                created_at=self._now(),
            )
        )
        return self._results[-1]

    def break_run(self, run_id: str, reason: str) -> None:
        """Let a run fail, before its verdict or, if it has a result already, after it."""
        self._end(run_id, RunState.FAILED, reason)

    # ------------------------------------------------------------------------------------------------ results

    def results(self, lab: str) -> list[ResultInfo]:
        found = self.lab(lab).id
        current = self.current_result(found)
        return [
            result.model_copy(update={"current": current is not None and result.run_id == current.run_id})
            for result in self._results_of(found)
        ]

    def current_result(self, lab: str) -> ResultInfo | None:
        lab = self._id(lab)
        held = self._held(lab)
        found = next((result for result in self._results_of(lab) if result.datasets == held), None)
        return found.model_copy(update={"current": True}) if found else None

    def result_file(self, lab: str, name: str, *, run_id: str | None = None) -> bytes:
        current = self.current_result(lab)
        run_id = run_id or (current.run_id if current else None)
        if (run_id, name) not in self._files:
            raise ResultNotFound(lab, name)
        return self._files[str(run_id), name]

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        current = self.current_result(lab)
        run_id = run_id or (current.run_id if current else None)
        if (run_id, kind) not in self._reports:
            raise ResultNotFound(lab, f"validation report of {kind.value}")
        return self._reports[str(run_id), kind]

    def hints(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> list[Hint]:
        self.validation_report(lab, kind, run_id=run_id)
        return self.shown_hints.get(kind, [])

    @property
    def lists(self) -> MemoryLists:
        return MemoryLists(self)

    @property
    def invalid_rows(self) -> Any:
        raise NotImplementedError("runs in memory keep no rows")

    # ---------------------------------------------------------------------------------------------------- end

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=next(self._clock))

    def _held(self, lab: str) -> dict[DatasetKind, str]:
        return {kind: self._slots[lab][kind].manifest_hash for kind in DatasetKind if kind in self._slots[lab]}

    def _id(self, lab: str) -> str:
        if lab in self._labs:
            return lab
        named = [found.id for found in self._labs.values() if found.name == lab]
        if len(named) > 1:
            raise LabNameAmbiguous(lab, named)
        if not named:
            raise LabNotFound(lab, self._labs)
        return named[0]

    def _runs_of(self, lab: str) -> list[RunInfo]:
        return [run for run in reversed(self._runs.values()) if run.lab_id == lab]

    def _results_of(self, lab: str) -> list[ResultInfo]:
        return [result for result in reversed(self._results) if result.lab_id == lab]

    def _end(self, run_id: str, state: RunState, reason: str | None = None) -> None:
        ended = {"state": state, "reason": reason, "ended_at": self._now()}
        self._runs[run_id] = self._runs[run_id].model_copy(update=ended)

    def _change(self, lab: str, kind: DatasetKind, manifest_hash: str | None, cause: str) -> None:
        replaced = self._held(lab).get(kind)
        if replaced == manifest_hash:
            return
        sequence, now = next(self._numbers), self._now()
        action = Action.DEPROVISIONED
        if manifest_hash is None:
            del self._slots[lab][kind]
        else:
            action = Action.PROVISIONED if replaced is None else Action.REPROVISIONED
            dataset = self.dataset(manifest_hash)
            self._slots[lab][kind] = SlotInfo(
                kind=kind,
                manifest_hash=manifest_hash,
                dataset_name=dataset.name,
                size=dataset.size,
                sequence=sequence,
                provisioned_by=self.user,
                provisioned_at=now,
                looks_like=dataset.facts.kind if dataset.facts else None,
                file_problems=list(file_problems(dataset.facts and dataset.facts.model_dump(mode="json"), kind)),
            )
        self._events[lab].append(
            EventInfo(
                sequence=sequence,
                action=action,
                kind=kind,
                manifest_hash=manifest_hash,
                replaced=replaced,
                by=self.user,
                cause=cause,
                at=now,
            )
        )
