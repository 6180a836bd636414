"""Layer 4: what people read, fanned in from all panels: the statistics report, the status, the dashboard.

Aggregates only. `validation_status` hands the verdict over; what it takes for a lab to be Ready is the domain's.
"""

from datetime import UTC, datetime

import dagster as dg

from assets.guard import guarded
from assets.partitions import OWNERS, data_labs
from assets.session import COMPARISON, Session
from datalab import statistics
from datalab.dashboard import render_dashboard
from datalab.kinds import KINDS, DatasetKind
from datalab.results import files
from datalab.results.statistics import StatisticsResult, StatisticsResultV2
from datalab.statistics import PANELS
from resources import FindingThresholds, LabWorkspace, SqlEngine
from resources.workspace import STATISTICS_REPORT

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
    description="Every number of the statistics page, its findings and status, and what changed since last time.",
    partitions_def=data_labs,
)
def statistics_report(
    context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine, thresholds: FindingThresholds
) -> dg.MaterializeResult[None]:
    with guarded(workspace, context):
        session = Session(context.partition_key, workspace, sql)
        limits = thresholds.thresholds()
        values = {panel.name: session.value(panel) for panel in PANELS}
        report = statistics.assemble_report(session.lab, values, session.summaries, limits)
        previous = workspace.previous_statistics(session.name)
        comparison = statistics.compare_statistics(previous, report, limits) if previous else None
        session.store(STATISTICS_REPORT, report)
        session.store(COMPARISON, comparison or statistics.Comparison(changes=[], warnings=[]))
        written = report if workspace.statistics_version == 2 else _legacy(session)
        session.publish(files.STATISTICS.name, written.model_dump_json(indent=2))
        if comparison:
            session.publish(files.COMPARISON.name, comparison.model_dump_json(indent=2))
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
    description="Whether every dataset and the statistics are sound: the verdict that decides if the lab is Ready.",
    partitions_def=data_labs,
)
def validation_status(
    context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine
) -> dg.MaterializeResult[None]:
    with guarded(workspace, context):
        session = Session(context.partition_key, workspace, sql)
        report = session.load(STATISTICS_REPORT, StatisticsResultV2)
        status = statistics.validation_status(session.lab, session.summaries, report)
        session.publish(files.VALIDATION_STATUS.name, status.model_dump_json(indent=2))
        workspace.hand_over(session.name, status, statistics.headline_numbers(report))
        return dg.MaterializeResult(
            metadata={
                "datalab/status": status.status,
                "datalab/datasets": len(status.datasets),
                "datalab/failed_datasets": sum(dataset.status == "FAILED" for dataset in status.datasets.values()),
            }
        )


@dg.asset(
    deps=["statistics_report", validation_status],
    group_name="results",
    kinds={"html"},
    owners=OWNERS,
    description="One HTML file that shows all of it; opens from disk. The verdict does not depend on it.",
    partitions_def=data_labs,
)
def dashboard(context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine) -> dg.MaterializeResult[None]:
    with guarded(workspace, context):
        session = Session(context.partition_key, workspace, sql)
        report = session.load(STATISTICS_REPORT, StatisticsResultV2)
        comparison = session.load(COMPARISON, statistics.Comparison)
        page = render_dashboard(
            session.lab,
            report,
            status=session.status,
            readiness=statistics.readiness(session.lab, report),
            comparison=comparison if comparison.changes else None,
            computed_at=datetime.now(UTC),
            minimum_count=workspace.minimum_count,
        )
        workspace.add(session.name, files.DASHBOARD, page, shows=files.VALIDATION_STATUS)
        return dg.MaterializeResult(metadata={"datalab/bytes": len(page.encode())})


def _legacy(session: Session) -> StatisticsResult:
    with session.engine() as engine:
        return statistics.legacy_statistics(engine, session.lab)


def _findings(report: StatisticsResultV2, comparison: statistics.Comparison | None) -> str:
    """The findings as a Markdown list; their messages hold no value of a row."""
    found = [*report.data_errors, *report.quality_warnings, *(comparison.warnings if comparison else [])]
    return "\n".join(f"- **{finding.code}** {finding.message}" for finding in found) or "Nothing to report."


ASSETS = [statistics_report, validation_status, dashboard]
