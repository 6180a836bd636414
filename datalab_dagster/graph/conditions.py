"""`automation: conditions`: the condition of the computed assets, and the sensor that evaluates it.

The condition asks the registry, as the sensor of provisioning does. Those of Dagster ask its events, which do not say
what a lab needs (docs/adr/0010-a-sensor-not-conditions.md).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence, Set
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import dagster as dg

from assets import COMPUTED, data_labs
from datalab.deployment import Deployment
from datalab.home.settings import Automation
from datalab.registry import ChangedLab
from datalab_dagster.graph.access import STARTS_RUNS
from datalab_dagster.graph.answering import answers, skipped
from datalab_dagster.graph.provisioning import Runs, needed_runs, run_request, wanted_runs
from resources.attempts import RETRIES


@dataclass(frozen=True)
class _Needed:
    """The runs that changes need.

    Attributes:
        labs: partition key → the lab.
        partitions: asset → the partition keys of the labs whose run has it.
    """

    labs: Mapping[str, ChangedLab]
    partitions: Mapping[dg.AssetKey, Set[str]]

    @classmethod
    def of(cls, runs: Runs) -> Self:
        partitions: dict[dg.AssetKey, set[str]] = {}
        for lab, selection in runs:
            for key in selection:
                partitions.setdefault(key, set()).add(lab.partition_key)
        return cls({lab.partition_key: lab for lab, _ in runs}, partitions)


_tick: ContextVar[_Needed | None] = ContextVar("tick", default=None)
"""The runs of the tick that is being evaluated, which reads the registry once for all assets."""


class AwaitsRun(dg.AutomationCondition[dg.AssetKey]):
    """True for the labs whose last change no run answers, on the assets downstream of what changed."""

    @property
    def description(self) -> str:
        return "The datasets of the lab have changed, and no run answers the change."

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        needed = _tick.get() or _needed_now(context)
        keys = set() if isinstance(needed, dg.SkipReason) else needed.partitions.get(context.key, set())
        return dg.AutomationResult(context, context.candidate_subset.compute_intersection_with_partition_keys(keys))


@answers
def _needed_now(deployment: Deployment, context: dg.AutomationContext[dg.AssetKey]) -> _Needed:
    """Return the runs that are needed if the condition is evaluated without its sensor."""
    del context
    return _Needed.of(needed_runs(deployment.registry.changes.read(None, certain=0)))


class _ConditionSensor(dg.AutomationConditionSensorDefinition):
    """Evaluates the condition when changes need runs, and gives these what runs of the sensor of provisioning have."""

    _last: tuple[str | None, int | None] = (None, None)
    """The cursor that the last tick returned, and the last event that it passed on to Dagster together with it."""

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> Any:
        found = answers(self._evaluated)(context)
        return skipped(context, found.skip_message or "") if isinstance(found, dg.SkipReason) else found

    def _evaluated(self, deployment: Deployment, context: dg.SensorEvaluationContext) -> Any:
        cursor, event = self._last
        seen = event if context.cursor == cursor else None  # None: Dagster did not store it, or this process is new
        changed = deployment.registry.changes.read(seen, certain=seen or 0)
        wanted = wanted_runs(deployment, context.instance, changed)
        if not wanted.runs:
            self._last = context.cursor, wanted.last
            return dg.SkipReason(wanted.reason)
        needed = _Needed.of(wanted.runs)
        context.instance.add_dynamic_partitions(data_labs.name or "", list(needed.labs))
        # Others can set the cursor, and the condition needs none.
        blank = dg.build_sensor_context(context.instance, repository_def=context.repository_def)
        blank.log.setLevel(logging.WARNING)  # it would name all these labs, for every asset
        token = _tick.set(needed)
        try:
            found = super().evaluate_tick(blank)
        finally:
            _tick.reset(token)
        self._last = found.cursor, wanted.last
        return found

    def resolve_run_requests(self, run_requests: Sequence[dg.RunRequest], *others: Any) -> Any:
        """Return the requests with the run key, the cause and the lab of their runs."""
        needed = _tick.get()
        assert needed is not None
        own = [_named(needed.labs[request.partition_key or ""], request) for request in run_requests]
        return super().resolve_run_requests(own, *others)


def _named(lab: ChangedLab, request: dg.RunRequest) -> dg.RunRequest:
    named = run_request(lab, request.asset_selection or [], "automation condition")
    return dg.RunRequest(
        run_key=named.run_key,
        partition_key=named.partition_key,
        asset_selection=named.asset_selection,
        tags={**request.tags, **named.tags},
    )


def condition_sensor() -> dg.SensorDefinition:
    """Return the sensor that evaluates the conditions of all assets."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Parameter `use_user_code_server`", dg.BetaWarning)
        return _ConditionSensor(
            STARTS_RUNS[Automation.CONDITIONS],
            target=dg.AssetSelection.assets(*COMPUTED),
            run_tags=RETRIES,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=3,
            description="Evaluates the conditions of the assets: one run per lab for its provisioning events.",
            emit_backfills=False,
            use_user_code_server=True,
        )
