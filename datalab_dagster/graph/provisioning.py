"""The sensor of provisioning: one run per changed lab, of the assets downstream; a bounded number of them per tick.

With `automation: conditions` it starts no run; `conditions` does.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import dagster as dg

from assets import data_labs
from assets.uploads import about_used
from datalab.deployment import Deployment
from datalab.formats import counted
from datalab.home.settings import Automation
from datalab.registry import Changed, ChangedLab, Event
from datalab_dagster.graph.access import STARTS_RUNS
from datalab_dagster.graph.answering import answers
from datalab_dagster.graph.jobs import validate_data_lab
from datalab_dagster.graph.runs.claims import claimed_of
from datalab_dagster.graph.runs.selection import assets_of
from datalab_dagster.graph.runs.start import cause_of, run_tags
from datalab_dagster.graph.unanswered import passed_on, unanswered
from resources.run import PARTITION_TAG

_log = logging.getLogger(__name__)
"""Goes to the log of the code server; the log of a tick is discarded, as Dagster keeps it where output of steps is."""
_REQUESTS = 200
"""How many runs a tick requests at most: Dagster makes them one after another, and no other sensor waits for long."""
_NAMED = 3
"""How many labs a skip reason names."""
_BY_CONDITIONS = "Conditions of the assets start the runs (`automation: conditions`)."

Runs = Sequence[tuple[ChangedLab, Sequence[dg.AssetKey]]]
"""Labs whose change needs a run, and the assets of the run."""


@dataclass(frozen=True)
class Wanted:
    """The runs that changes need.

    Attributes:
        runs: those whose change was claimed for them.
        last: the last event before those of the labs that wait for the next tick.
        reason: why there are none.
    """

    runs: Runs
    last: int
    reason: str


@dg.sensor(
    name=STARTS_RUNS[Automation.SENSOR],
    job=validate_data_lab,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts one run per lab for its provisioning events, of the assets downstream; a lab is a partition.",
)
@answers
def provisioning(deployment: Deployment, context: dg.SensorEvaluationContext) -> dg.SensorResult:
    changed = unanswered(deployment, context.cursor, _log.warning)
    wanted = wanted_runs(deployment, context.instance, changed)
    requests = [run_request(lab, selection, "automatic") for lab, selection in wanted.runs]
    return _recorded(deployment, context, changed, wanted, requests)


@dg.sensor(
    name=provisioning.name,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Shows the datasets of labs; a lab is a partition. Conditions of the assets start the runs.",
)
@answers
def provisioned(deployment: Deployment, context: dg.SensorEvaluationContext) -> dg.SensorResult:
    changed = unanswered(deployment, context.cursor, _log.warning)
    rest = changed.labs[_REQUESTS:]
    last = rest[0].change.sequence - 1 if rest else changed.newest
    return _recorded(deployment, context, changed, Wanted([], last, _BY_CONDITIONS), [])


def _recorded(
    deployment: Deployment,
    context: dg.SensorEvaluationContext,
    changed: Changed,
    wanted: Wanted,
    requests: Sequence[dg.RunRequest],
) -> dg.SensorResult:
    """Return the result of a tick, with the partitions of labs and with the datasets that are provisioned now."""
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason(wanted.reason),
        cursor=passed_on(deployment, context.cursor, changed, wanted.last),
        dynamic_partitions_requests=_partitions(context.instance, changed.partitions),
        asset_events=[event for lab in changed.labs for event in _provisioned(lab, wanted.last)],
    )


def wanted_runs(deployment: Deployment, instance: dg.DagsterInstance, changed: Changed) -> Wanted:
    """Claim the changes that need a run, a bounded number of them, and return these runs."""
    needed = needed_runs(changed)
    wanted, rest = needed[:_REQUESTS], needed[_REQUESTS:]
    labs = [lab for lab, _ in wanted]
    granted = claimed_of(deployment, instance, labs)
    return Wanted(
        [run for run in wanted if run[0].id in granted],
        rest[0][0].change.sequence - 1 if rest else changed.newest,
        _reason(changed, labs),
    )


def needed_runs(changed: Changed) -> Runs:
    """Return the labs that need a run, each with its assets, in the order of their last events."""
    return [(lab, selection) for lab in changed.labs if (selection := _selection(lab))]


def _selection(lab: ChangedLab) -> list[dg.AssetKey]:
    """Return the assets of the run for a change; none if another run answers it, or the lab waits for datasets."""
    return [] if lab.answer else assets_of(lab.definition.datasets, lab.datasets, lab.validated, lab.change.kinds)


def run_request(lab: ChangedLab, selection: Sequence[dg.AssetKey], started: str) -> dg.RunRequest:
    """Return the run for a change; its tag names the partition, so that Dagster does not look for it among all labs.

    Args:
        lab: whose change.
        selection: the assets of the run.
        started: what starts it, as the first word of its cause.
    """
    change, by = lab.change, lab.change.events[-1].by
    tags = run_tags(lab, sequence=change.sequence, kinds=change.kinds, cause=cause_of(change, started), by=by)
    return dg.RunRequest(
        run_key=change.run_key,
        partition_key=lab.partition_key,
        asset_selection=selection,
        tags={**tags, PARTITION_TAG: lab.partition_key},
    )


def _reason(changed: Changed, wanted: Sequence[ChangedLab]) -> str:
    """Return why a tick requests no run."""
    found = [f"Nothing new since provisioning event {changed.newest}."] if not changed.labs else []
    asked = {lab.id for lab in wanted}
    named = [f"{lab.name or lab.id}: {_answered(lab)}" for lab in changed.labs if lab.answer or lab.id in asked]
    found += [f"{sentence}." for sentence in named[:_NAMED]]
    if len(named) > _NAMED:
        found.append(f"So are the changes of {counted(len(named) - _NAMED, 'further lab')}.")
    if changed.waiting:
        found.append(f"{counted(changed.waiting, 'lab')} {'waits' if changed.waiting == 1 else 'wait'} for datasets.")
    return " ".join(found or ["The changed labs need no run."])


def _answered(lab: ChangedLab) -> str:
    return f"answered by run {lab.answer}" if lab.answer else "answered by another request"


def _partitions(
    instance: dg.DagsterInstance, wanted: Collection[str]
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """Return the requests that add and delete partitions, so that they match those of the registry."""
    known = set(instance.get_dynamic_partitions(data_labs.name or ""))
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if added := sorted(set(wanted) - known):
        requests.append(data_labs.build_add_request(added))
    if removed := sorted(known - set(wanted)):
        requests.append(data_labs.build_delete_request(removed))
    return requests


def _provisioned(lab: ChangedLab, last: int) -> list[dg.AssetMaterialization]:
    """Return the datasets provisioned up to `last` as new versions of their assets, which make others stale."""
    newest = {event.kind: event for event in lab.change.events if event.sequence <= last}
    return [
        dg.AssetMaterialization(
            asset_key=kind.value,
            partition=lab.partition_key,
            tags={"dagster/data_version": event.manifest_hash},
            metadata={
                "datalab/by": event.by,
                "datalab/action": event.action.value,
                "datalab/sequence": event.sequence,
                **_about(lab, event),
            },
        )
        for kind, event in newest.items()
        if event.manifest_hash is not None
    ]


def _about(lab: ChangedLab, event: Event) -> dict[str, dg.MetadataValue]:
    """Return what is known of the dataset of an event; nothing if it is not provisioned any more."""
    dataset = lab.described.get(event.manifest_hash or "")
    return about_used(dataset) if dataset else {}
