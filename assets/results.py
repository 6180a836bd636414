"""Layer 4: the results, computed from all panels: the statistics report, the status, the dashboard.

Aggregates only. `validation_status` commits the verdict; the domain decides when a lab is Ready.
"""

from datetime import UTC, datetime

import dagster as dg

from assets.guard import guarded
from assets.partitions import OWNERS, data_labs, lab_check, verdict
from assets.stored import engine_on_rows, load, panel_value, summaries_of
from datalab import statistics
from datalab.dashboard import CODE_VERSION as DASHBOARD_VERSION
from datalab.dashboard import render_dashboard
from datalab.deployment.addresses import COMPARISON, STATISTICS_REPORT, Address
from datalab.deployment.places import Place
from datalab.errors import InputMissing
from datalab.kinds import KINDS, DatasetKind
from datalab.results import files
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResult, StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.statistics import PANELS
from datalab.statistics.datasets import shown_hints
from datalab.statistics.panels import basic_statistics
from datalab.statistics.report import CODE_VERSION as STATISTICS_VERSION
from datalab.statistics.status import CODE_VERSION as STATUS_VERSION
from resources import FindingThresholds, LabRun, ResultOptions, SqlEngine

READY = "ready"
_HEADLINES = (
    "distinct_user_ids",
    *(kind.headline for kind in KINDS.values() if kind.headline),
    "distinct_ids",
    "reachable_activation_ids",
    "matchable_users",
)


@dg.asset(
    deps=[panel.name for panel in PANELS],
    group_name="results",
    kinds={"json"},
    owners=OWNERS,
    description="Every number of the statistics page, findings, status, and changes since the previous result.",
    partitions_def=data_labs,
    code_version=STATISTICS_VERSION,
)
def statistics_report(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    place: dg.ResourceParam[Place],
    sql: dg.ResourceParam[SqlEngine],
    thresholds: dg.ResourceParam[FindingThresholds],
    workspace: dg.ResourceParam[ResultOptions],
) -> dg.MaterializeResult[None]:
    with guarded(run, context):
        limits = thresholds.thresholds()
        values = {panel.name: panel_value(panel, run, place) for panel in PANELS}
        report = statistics.assemble_report(run.definition, values, summaries_of(run, place), limits)
        previous = run.previous_statistics()
        comparison = statistics.compare_statistics(previous, report, limits) if previous else None
        place.write(run.computed(STATISTICS_REPORT), report.model_dump_json())
        changes = comparison or statistics.Comparison(changes=[], warnings=[])
        place.write(run.computed(COMPARISON), changes.model_dump_json())
        written = report if workspace.statistics_version == 2 else _legacy(run, place, sql)
        place.write(run.result(files.STATISTICS), written.model_dump_json(indent=2))
        matchable = statistics.matchable_users(run.definition, values)
        place.write(run.result(files.MATCHABLE_USERS), matchable.model_dump_json(indent=2))
        if comparison:
            place.write(run.result(files.COMPARISON), comparison.model_dump_json(indent=2))
        headlines = {
            f"datalab/{metric}": number
            for metric, number in statistics.headline_numbers(report).items()
            if metric.endswith(_HEADLINES)
        }
        return dg.MaterializeResult(
            metadata={
                **headlines,
                "datalab/status": report.status,
                "datalab/data_errors": len(report.data_errors),
                "datalab/quality_warnings": len(report.quality_warnings),
                "datalab/drops": len(comparison.warnings) if comparison else 0,
                "datalab/findings": dg.MetadataValue.md(_findings(report, comparison)),
            }
        )


@dg.asset(
    deps=["statistics_report", *(f"{kind.value}_validation_report" for kind in DatasetKind)],
    group_name="results",
    kinds={"json"},
    owners=OWNERS,
    description="Whether every dataset and the statistics are valid: the verdict that decides if the lab is Ready.",
    check_specs=[
        lab_check(READY, "validation_status", "The verdict is SUCCESS: nothing keeps the lab from being Ready.")
    ],
    partitions_def=data_labs,
    code_version=STATUS_VERSION,
)
def validation_status(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[LabRun], place: dg.ResourceParam[Place]
) -> dg.MaterializeResult:  # type: ignore[type-arg] # with a check, Dagster accepts only the bare class
    with guarded(run, context):
        report = load(place, run.computed(STATISTICS_REPORT), StatisticsResultV2)
        status = statistics.validation_status(run.definition, summaries_of(run, place), report)
        place.write(run.result(files.VALIDATION_STATUS), status.model_dump_json(indent=2))
        run.hand_over(status, statistics.headline_numbers(report))
        numbers: dict[str, str | int] = {
            "datalab/status": status.status,
            "datalab/datasets": len(status.datasets),
            "datalab/failed_datasets": sum(dataset.status == "FAILED" for dataset in status.datasets.values()),
        }
        ready = verdict(READY, "validation_status", status.status == "SUCCESS", numbers)
        return dg.MaterializeResult(metadata=numbers, check_results=[ready])


@dg.asset(
    deps=["statistics_report", validation_status],
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
    place: dg.ResourceParam[Place],
    workspace: dg.ResourceParam[ResultOptions],
) -> dg.MaterializeResult[None]:
    with guarded(run, context):
        if workspace.minimum_count:
            quality = panel_value(basic_statistics.PANEL, run, place)
            assert quality is not None, "every lab unlocks the basic statistics"
            statistics.require_names_checked(quality.quality.unchecked_names)
        report = load(place, run.computed(STATISTICS_REPORT), StatisticsResultV2)
        comparison = load(place, run.computed(COMPARISON), statistics.Comparison)
        status_at = run.result_with(files.VALIDATION_STATUS)
        page = render_dashboard(
            run.definition,
            report,
            status=load(place, status_at, ValidationStatus),
            readiness=statistics.readiness(run.definition, report),
            comparison=comparison if comparison.changes else None,
            evidence=None if workspace.minimum_count else run.evidence(shown_hints(summaries_of(run, place))),
            computed_at=datetime.now(UTC),
            minimum_count=workspace.minimum_count,
            matchable=_matchable(place, status_at),
        )
        place.write(status_at.beside(files.DASHBOARD.name), page)
        run.add_to_result(files.DASHBOARD, status_at.run_id)
        return dg.MaterializeResult(metadata={"datalab/bytes": len(page.encode())})


def _matchable(place: Place, status_at: Address) -> MatchableUsers | None:
    """Return the matchable users of the result with this status; None: an earlier version made it."""
    try:
        return load(place, status_at.beside(files.MATCHABLE_USERS.name), MatchableUsers)
    except InputMissing:
        return None


def _legacy(run: LabRun, place: Place, sql: SqlEngine) -> StatisticsResult:
    with engine_on_rows(run, place, sql) as engine:
        return statistics.legacy_statistics(engine, run.definition, summaries_of(run, place))


def _findings(report: StatisticsResultV2, comparison: statistics.Comparison | None) -> str:
    """Return the findings as a Markdown list; their messages contain no value of a row."""
    found = [*report.data_errors, *report.quality_warnings, *(comparison.warnings if comparison else [])]
    return "\n".join(f"- **{finding.code}** {finding.message}" for finding in found) or "Nothing to report."


ASSETS = [statistics_report, validation_status, dashboard]
