"""Makes what the service answers with out of the records of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from datalab.deployment.addresses import REPORT, Address, validated
from datalab.deployment.addresses import result as address
from datalab.deployment.shown import ShownFiles
from datalab.errors import InputMissing
from datalab.kinds import DatasetKind
from datalab.registry import Dataset, ExplainedState, KeyRole, Lab, Registry, Result, Slot
from datalab.registry.ownership import User
from datalab.results.files import DASHBOARD, STATISTICS, VALIDATION_STATUS
from datalab.results.names import may_hold_ids
from datalab.storage.errors import StoreUnreachable
from datalab_dagster.service.account_models import AuditInfo
from datalab_dagster.service.errors import NamesUnchecked, ResultNotFound
from datalab_dagster.service.models import DatasetInfo, LabInfo, OtherLabInfo, ResultInfo


def dataset_info(dataset: Dataset, user: User, same_content: Sequence[str] = ()) -> DatasetInfo:
    """Return a dataset as `user` sees it: without who else may use it; its facts and steps only if they may use it."""
    role = KeyRole.OWNER if user.alone else user.key_role(dataset)
    more = {
        "your_role": role,
        "facts": dataset.facts if role else None,
        "made_from": dataset.origin and dataset.origin.made_from,
        "steps": dataset.origin.steps if dataset.origin and role else [],
        "same_content": list(same_content),
    }
    return DatasetInfo.model_validate({**vars(dataset), **more})


def described_info(registry: Registry, dataset: Dataset, user: User) -> DatasetInfo:
    """Return a dataset with those of the same content, if `user` may use it."""
    found = dataset_info(dataset, user)
    return stored_info(registry, dataset, user) if found.your_role else found


def stored_info(registry: Registry, dataset: Dataset, user: User) -> DatasetInfo:
    """Return a dataset that `user` has just stored, with those of the same content that they may use."""
    return dataset_info(dataset, user, registry.contents.same_as(dataset.manifest_hash, user))


def lab_info(
    lab: Lab, explained: ExplainedState, slots: Mapping[DatasetKind, Slot], *, obstacle: Callable[[], str | None]
) -> LabInfo:
    """Return a lab with its state and what it holds.

    Args:
        lab: the lab.
        explained: its state.
        slots: what it holds.
        obstacle: see `LocalRuns.obstacle`; called only if the lab awaits a run.
    """
    found = obstacle() if explained.awaits_run else ""
    state = {**vars(explained), "starts_automatically": found is None, "obstacle": found or ""}
    if found:
        state["next_step"] = f"{found} Start the validation (`datalab validate {lab.id}`)."
    return LabInfo.model_validate({**vars(lab), "state": state, "slots": list(slots.values())})


def other_lab_info(lab: Lab, explained: ExplainedState) -> OtherLabInfo:
    """Return a lab of other publishers, as all publishers may see it."""
    return OtherLabInfo(id=lab.id, name=lab.name, state=explained.state, title=explained.title, owners=list(lab.owners))


def audit_infos(registry: Registry, asker: User, *, limit: int, before: int | None) -> list[AuditInfo]:
    """Return entries of the audit log: their own, and those on what they own; all while there are no users."""
    own = None if asker.alone else asker.name
    entries = registry.accounts.audit.entries(limit=limit, before=before, user=own)
    return [AuditInfo.model_validate(entry) for entry in entries]


def result_info(shown: ShownFiles, result: Result, current: Result | None) -> ResultInfo:
    """Return a result with the reports that are kept, and whether it is the current one.

    While the store is away, only reports that are copied count as kept.
    """
    addresses = {kind: validated(kind, content, REPORT) for kind, content in result.datasets.items()}
    more = {
        "current": current is not None and result.number == current.number,
        "files": sorted(result.paths),
        "reports": [kind for kind, report in addresses.items() if _is_kept(shown, report)],
    }
    return ResultInfo.model_validate({**vars(result), **more})


def _is_kept(shown: ShownFiles, report: Address) -> bool:
    try:
        return shown.has(report)
    except StoreUnreachable:
        return False


def result_content(shown: ShownFiles, result: Result, name: str) -> bytes:
    """Return a file of a result without a value of a row.

    Raises:
        ResultNotFound: the result has no such file, or it is not kept.
        NamesUnchecked: an earlier version made it, and ids of users may be among its names.
    """
    if name not in result.paths:
        raise ResultNotFound(result.lab_id, f"file '{name}' in its result")
    try:
        if not result.names_checked and name in _WITH_NAMES and may_hold_ids(*_verdict_of(shown, result)):
            raise NamesUnchecked(result.lab_id, name)
        return shown.read(address(result.run_id, name))
    except InputMissing:
        raise ResultNotFound(result.lab_id, f"file '{name}' in its result") from None


def _verdict_of(shown: ShownFiles, result: Result) -> tuple[bytes, bytes]:
    """Return the statistics of a result, and its status."""
    statistics, status = (shown.read(address(result.run_id, file.name)) for file in (STATISTICS, VALIDATION_STATUS))
    return statistics, status


_WITH_NAMES = frozenset({STATISTICS.name, DASHBOARD.name})


def find_result(registry: Registry, lab_id: str, run_id: str | None) -> Result:
    """Return the current result of a lab, or that of a run.

    Raises:
        ResultNotFound: there is none.
    """
    if run_id is None:
        result = registry.results.current(lab_id)
    else:
        history = registry.results.history(lab_id)
        result = next((result for result in history if result.run_id == run_id), None)
    if result is None:
        raise ResultNotFound(lab_id, f"result of run {run_id}" if run_id else "result for what is provisioned now")
    return result
