"""Renders the page from texts, tables, charts and data, which other modules provide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from datalab.dashboard.bundle import static_text
from datalab.dashboard.charts import MAX_BARS, MAX_SIDES, specs
from datalab.dashboard.disclosure import shareable, shareable_finding, shareable_matchable
from datalab.dashboard.payload import content_policy, download, inline_json
from datalab.dashboard.summary import change_rows, deltas, headlines, notes, readiness_rows, verdict
from datalab.dashboard.tables import absent, panels, shown_of
from datalab.dashboard.texts import DATASETS
from datalab.dashboard.usable import usable
from datalab.formats import counted, moment
from datalab.lab import LabDefinition
from datalab.results.files import STATISTICS
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import Evidence
from datalab.statistics.causes import causes_of, reasons_of
from datalab.statistics.compare import Comparison
from datalab.statistics.readiness import Readiness

if TYPE_CHECKING:
    from jinja2 import Environment


def render_dashboard(
    lab: LabDefinition,
    statistics: StatisticsResultV2,
    *,
    status: ValidationStatus | None,
    readiness: Readiness,
    comparison: Comparison | None = None,
    evidence: Evidence | None = None,
    computed_at: datetime | None,
    minimum_count: int = 0,
    matchable: MatchableUsers | None = None,
) -> str:
    """Return the statistics of a lab as one HTML file that needs no network and no other file.

    Args:
        lab: the definition of the lab.
        statistics: its report.
        status: the enhanced validation status, which decides whether the lab is Ready; None: the report's status does.
        readiness: what each collaboration type is missing.
        comparison: changes since the previous report.
        evidence: what else is known of the datasets; it is not for sharing.
        computed_at: when the statistics were computed.
        minimum_count: 10 for sharing: the file contains no count below it, and no count that would reveal one
            (see `datalab.dashboard.disclosure`). 0 shows everything.
        matchable: the matchable users of the result; None: an earlier version made it.
    """
    report = shareable(statistics, minimum_count, shared=lab.share_statistics)
    causes = causes_of(
        status,
        statistics,
        comparison,
        replace(
            evidence or Evidence(),
            reasons=reasons_of(report["basic_statistics"]),
            id_formats={} if minimum_count else lab.id_formats,  # hidden counts of reasons are not none
        ),
        lambda finding: shareable_finding(finding, minimum_count),
    )
    beside = shareable_matchable(matchable, statistics, minimum_count)
    shown = panels(lab, report, beside)
    summed = verdict(lab, report, status, causes, readiness)
    changed = deltas(comparison, report, minimum_count)
    figures = headlines(lab, report, beside)
    for figure in [*figures, *(figure for panel in shown for figure in panel.figures)]:
        figure.delta = changed.get(figure.metric, "")
    largest = [name for panel in shown for name in panel.largest]
    charts = {panel.view.chart for panel in shown if panel.view.chart}
    scripts = [static_text("vega-bundle.js"), static_text("dashboard.js")] if charts else [static_text("dashboard.js")]
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            lab=lab,
            statistics_file=STATISTICS.name,
            verdict=summed,
            notes=notes(causes),
            headlines=figures,
            readiness=readiness_rows(readiness, usable(readiness, report, causes, is_ready=summed.ready)),
            changes=change_rows(comparison, report, minimum_count),
            datasets={kind: words for kind, words in DATASETS.items() if kind in lab.datasets},
            other_datasets=[title for kind, (title, _) in DATASETS.items() if kind not in lab.datasets],
            panels=shown,
            absent=absent(lab, shown),
            matching_ids=[entry.id_name for entry in lab.matching_ids],
            charts=charts,
            specs=inline_json({name: spec for name, spec in specs().items() if name.split("-")[0] in charts})
            if charts
            else "",
            max_bars=MAX_BARS,
            max_sides=MAX_SIDES,
            download=download(report, largest),
            computed_at=moment(computed_at) if computed_at else "",
            minimum_count=minimum_count,
            style=static_text("dashboard.css"),
            scripts=scripts,
            policy=content_policy(scripts),
        )
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("datalab.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["counted"] = counted
    environment.globals["shown_of"] = shown_of
    return environment
