"""Layer 4: the results, computed from all panels: the statistics report, the status, the dashboard.

Aggregates only. `validation_status` commits the verdict; the domain decides when a lab is Ready.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.partitions import OWNERS, data_labs, lab_check, verdict
from assets.stored import ROWS_OF_DATASETS, by_kind, engine_on_rows, optional, summaries_of
from datalab import statistics
from datalab.dashboard import CODE_VERSION as DASHBOARD_VERSION
from datalab.dashboard import render_dashboard
from datalab.deployment.addresses import USERS, Address
from datalab.deployment.handles import Refreshed, StoredRows, load
from datalab.errors import InputMissing
from datalab.kinds import KINDS
from datalab.results import files
from datalab.results.large import uncollected
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResult, StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.statistics import PANELS, Comparison, ValidatedDataset
from datalab.statistics.datasets import shown_hints
from datalab.statistics.panels import basic_statistics
from datalab.statistics.report import CODE_VERSION as STATISTICS_VERSION
from datalab.statistics.status import CODE_VERSION as STATUS_VERSION
from resources import (
    AGGREGATES,
    REPORTS,
    STATISTICS,
    STATUS,
    FindingThresholds,
    LabRun,
    ResultOptions,
    SqlEngine,
    guarded,
)

READY, FRESH = "ready", "fresh"
AGE_DAYS = "datalab/age_days"
_HEADLINES = (
    "distinct_user_ids",
    *(kind.headline for kind in KINDS.values() if kind.headline),
    "distinct_ids",
    "reachable_activation_ids",
    "matchable_users",
)


_SUMMARIES = {name: dg.AssetIn(dagster_type=optional(ValidatedDataset)) for name in REPORTS.values()}
"""The summaries of the validations, as inputs; None: the lab does not have the dataset."""


@dg.asset(
    ins={
        **{panel.name: dg.AssetIn(dagster_type=optional(panel.model)) for panel in PANELS},
        USERS: dg.AssetIn(dagster_type=StoredRows),
        **ROWS_OF_DATASETS,
    },
    group_name="results",
    kinds={"json"},
    owners=OWNERS,
    description="Every number of the statistics page, findings, status, and changes since the previous result.",
    partitions_def=data_labs,
    code_version=STATISTICS_VERSION,
    io_manager_key=STATISTICS,
)
def statistics_report(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    sql: dg.ResourceParam[SqlEngine],
    thresholds: dg.ResourceParam[FindingThresholds],
    workspace: dg.ResourceParam[ResultOptions],
    **inputs: Any,
) -> dg.MaterializeResult[Refreshed]:
    with guarded(run, context), uncollected():
        limits = thresholds.thresholds()
        values = {panel.name: inputs[panel.name] for panel in PANELS}
        report = statistics.assemble_report(run.definition, values, summaries_of(inputs), limits)
        previous = run.previous_statistics()
        comparison = statistics.compare_statistics(previous, report, limits) if previous else None
        written = report if workspace.statistics_version == 2 else _legacy(run, sql, inputs)
        run.place.write(run.result(files.STATISTICS), written.model_dump_json(indent=2))
        matchable = statistics.matchable_users(run.definition, values)
        run.place.write(run.result(files.MATCHABLE_USERS), matchable.model_dump_json(indent=2))
        if comparison:
            run.place.write(run.result(files.COMPARISON), comparison.model_dump_json(indent=2))
        headlines = {
            f"datalab/{metric}": number
            for metric, number in statistics.headline_numbers(report).items()
            if metric.endswith(_HEADLINES)
        }
        return dg.MaterializeResult(
            value=Refreshed(report, comparison or Comparison(changes=[], warnings=[])),
            metadata={
                **headlines,
                "datalab/status": report.status,
                "datalab/data_errors": len(report.data_errors),
                "datalab/quality_warnings": len(report.quality_warnings),
                "datalab/drops": len(comparison.warnings) if comparison else 0,
                "datalab/findings": dg.MetadataValue.md(_findings(report, comparison)),
            },
        )


@dg.asset(
    name=STATUS,
    ins=_SUMMARIES,
    group_name="results",
    kinds={"json"},
    owners=OWNERS,
    description="Whether every dataset and the statistics are valid: the verdict that decides if the lab is Ready.",
    check_specs=[
        lab_check(READY, STATUS, "The verdict is SUCCESS: nothing keeps the lab from being Ready."),
        lab_check(FRESH, STATUS, "The current result is not older than `freshness.days`; evaluated again every night."),
    ],
    partitions_def=data_labs,
    code_version=STATUS_VERSION,
    io_manager_key=AGGREGATES,
    dagster_type=dg.PythonObjectDagsterType(ValidationStatus),
)
def validation_status(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    statistics_report: Refreshed,
    **reports: ValidatedDataset | None,
) -> Iterator[dg.MaterializeResult[ValidationStatus]]:
    with guarded(run, context), uncollected():
        report = statistics_report.report
        status = statistics.validation_status(run.definition, by_kind(reports, REPORTS), report)
        numbers: dict[str, str | int] = {
            "datalab/status": status.status,
            "datalab/datasets": len(status.datasets),
            "datalab/failed_datasets": sum(dataset.status == "FAILED" for dataset in status.datasets.values()),
        }
        checks = [
            verdict(READY, STATUS, status.status == "SUCCESS", numbers),
            verdict(FRESH, STATUS, True, {AGE_DAYS: 0}),
        ]
        yield dg.MaterializeResult(value=status, metadata=numbers, check_results=checks)
        run.hand_over(status, statistics.headline_numbers(report))  # now the status is stored


@dg.asset(
    ins={basic_statistics.PANEL.name: dg.AssetIn(dagster_type=basic_statistics.PANEL.model), **_SUMMARIES},
    group_name="results",
    kinds={"html"},
    owners=OWNERS,
    description="One HTML file with all results; opens from disk. The verdict does not depend on it.",
    partitions_def=data_labs,
    code_version=DASHBOARD_VERSION,
)
def dashboard(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    workspace: dg.ResourceParam[ResultOptions],
    statistics_report: Refreshed,
    validation_status: ValidationStatus,
    **inputs: Any,
) -> dg.MaterializeResult[None]:
    with guarded(run, context), uncollected():
        if workspace.minimum_count:
            quality = inputs[basic_statistics.PANEL.name].quality
            statistics.require_names_checked(quality.unchecked_names)
        report, comparison = statistics_report.report, statistics_report.comparison
        status_at = run.result_with(files.VALIDATION_STATUS)
        page = render_dashboard(
            run.definition,
            report,
            status=validation_status,
            readiness=statistics.readiness(run.definition, report),
            comparison=comparison if comparison.changes else None,
            evidence=None if workspace.minimum_count else run.evidence(shown_hints(by_kind(inputs, REPORTS))),
            computed_at=datetime.now(UTC),
            minimum_count=workspace.minimum_count,
            matchable=_matchable(run, status_at),
        )
        run.place.write(status_at.beside(files.DASHBOARD.name), page)
        run.add_to_result(files.DASHBOARD, status_at.run_id)
        return dg.MaterializeResult(metadata={"datalab/bytes": len(page.encode())})


def _matchable(run: LabRun, status_at: Address) -> MatchableUsers | None:
    """Return the matchable users of the result with this status; None: an earlier version made it."""
    try:
        return load(run.place, status_at.beside(files.MATCHABLE_USERS.name), MatchableUsers)
    except InputMissing:
        return None


def _legacy(run: LabRun, sql: SqlEngine, inputs: dict[str, Any]) -> StatisticsResult:
    with engine_on_rows(run, sql, inputs) as engine:
        return statistics.legacy_statistics(engine, run.definition, summaries_of(inputs))


def _findings(report: StatisticsResultV2, comparison: Comparison | None) -> str:
    """Return the findings as a Markdown list; their messages contain no value of a row."""
    found = [*report.data_errors, *report.quality_warnings, *(comparison.warnings if comparison else [])]
    return "\n".join(f"- **{finding.code}** {finding.message}" for finding in found) or "Nothing to report."


ASSETS = [statistics_report, validation_status, dashboard]
