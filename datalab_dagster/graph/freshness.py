"""The check `fresh` between two runs of a lab: the age of its current result, reported every night."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from assets.results import AGE_DAYS, FRESH
from datalab.deployment import Deployment
from resources import STATUS


def report_freshness(deployment: Deployment, instance: dg.DagsterInstance, now: datetime | None = None) -> None:
    """Evaluate the check for every lab that has a current result.

    Dagster's `FreshnessPolicy` reads the last materialisation of an asset, whatever its partition.
    """
    now, limit = now or datetime.now(UTC), deployment.settings.freshness.days
    labs = {lab.id: lab for lab in deployment.registry.labs.all()}
    for result in deployment.registry.results.current_of(list(labs)):
        age = (now - result.created_at).days
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(STATUS),
                check_name=FRESH,
                passed=age <= limit,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={AGE_DAYS: dg.MetadataValue.int(age), "datalab/limit_days": dg.MetadataValue.int(limit)},
                partition=labs[result.lab_id].partition_key,
            )
        )
