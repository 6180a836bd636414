"""Assembles the report of a lab from its panels, or computes it in one call; the panels compute the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from datalab.engines import Engine
from datalab.errors import UsageError
from datalab.lab import LabDefinition
from datalab.results.statistics import FURTHER_PANELS, SegmentStatistics, StatisticsResultV2
from datalab.statistics.datasets import Summaries, ValidRows, register_valid_rows
from datalab.statistics.findings import Figures, Thresholds, data_errors, quality_warnings
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import PANELS, basic_statistics, identifiers_overview
from datalab.statistics.users import create_users

CODE_VERSION = "1"
"""Raised when the report, the comparison or the matchable users of the same panels change."""
Values = Mapping[str, Any]
"""Panel → its value, of the panel's model; None: the lab does not unlock it."""


def assemble_report(
    lab: LabDefinition, values: Values, summaries: Summaries, thresholds: Thresholds | None = None
) -> StatisticsResultV2:
    """Return the report with the values of the panels, its findings and its status (docs/spec/statistics.md)."""
    limits = thresholds or Thresholds()
    found = _placed(values)
    overview, basic = values[identifiers_overview.PANEL.name].root, values[basic_statistics.PANEL.name]
    figures = Figures(overview, basic.statistics, basic.quality)
    errors = data_errors(lab, figures, limits)
    if segments := basic.statistics.segments:
        found["segment_statistics"]["distinct_users_with_segments"] = segments.distinct_user_ids
        found["segment_statistics"] = SegmentStatistics.model_construct(**found["segment_statistics"])
    else:
        found["segment_statistics"] = None
    return StatisticsResultV2.model_construct(
        **found,
        status="FAILED" if errors else "SUCCESS",
        data_errors=errors,
        quality_warnings=quality_warnings(lab, figures, summaries, limits),
    )


def _placed(values: Values) -> dict[str, Any]:
    """Return the values of the panels under the keys of the report; panels beyond the vendor's only if unlocked."""
    found: dict[str, Any] = {}
    for panel in PANELS:
        value = values[panel.name]
        if panel.place:
            *outer, key = panel.place
            node = found
            for name in outer:
                node = node.setdefault(name, {})
            shaped = panel.in_report(value) if panel.in_report and value is not None else value
            node[key] = getattr(shaped, "root", shaped)
        elif not panel.internal and value is not None:
            found.setdefault(FURTHER_PANELS, {})[panel.name] = value.model_dump(mode="json")
    return found | {basic_statistics.PANEL.name: values[basic_statistics.PANEL.name].statistics}


def compute_statistics(
    lab: LabDefinition,
    valid_rows: ValidRows,
    summaries: Summaries,
    engine: Engine,
    thresholds: Thresholds | None = None,
) -> StatisticsResultV2:
    """Compute the whole report of a lab from the valid rows of its datasets.

    Args:
        lab: the definition of the lab.
        valid_rows: per dataset one or several Parquet paths, or a pyarrow Table or Dataset; see `register_valid_rows`.
        summaries: the summary of each dataset's validation.
        engine: executes the SQL; its relations of the datasets and `users` are replaced and kept.
        thresholds: the limits of the findings.

    Raises:
        UsageError: a dataset of the lab has no summary.
        EngineError: a statement could not be executed; the message names the panel.

    Example:
        >>> import pyarrow as pa
        >>> from datalab.engines import open_engine
        >>> from datalab.kinds import DatasetKind
        >>> from datalab.statistics import ValidatedDataset
        >>> lab = LabDefinition(identifiersConfig=[{"idName": "userId", "idType": "STRING", "isMatchingId": True}],
        ...     numIdentifiersColumns=1)
        >>> rows = pa.table({"user_id": ["u1", "u2"], "id_name": ["userId"] * 2, "id": ["u1", "u2"]})
        >>> ids = DatasetKind.IDENTIFIERS
        >>> summaries = {ids: ValidatedDataset(total_rows=2, valid_rows=2)}
        >>> with open_engine() as engine:
        ...     report = compute_statistics(lab, {ids: rows}, summaries, engine)
        >>> report.status, report.identifiers_overview["userId"].distinct_ids
        ('SUCCESS', 2)
    """
    check_summaries(lab, summaries)
    register_valid_rows(engine, lab, valid_rows)
    create_users(engine, lab)
    inputs = panel_inputs(engine, lab, summaries, thresholds)
    values = {panel.name: inputs.value_of(panel) for panel in PANELS}
    return assemble_report(lab, values, summaries, thresholds)


def panel_inputs(
    engine: Engine, lab: LabDefinition, summaries: Summaries, thresholds: Thresholds | None = None
) -> PanelInputs:
    """Return the inputs of the panels; a panel that is an input of another one is computed on demand, and only once.

    The engine must have the relations of the datasets and `users`.
    """
    values: dict[str, BaseModel | None] = {}

    def value_of(panel: Panel[Any]) -> BaseModel | None:
        if panel.name not in values:
            values[panel.name] = panel.compute(inputs) if panel.is_unlocked(lab) else None
        return values[panel.name]

    inputs = PanelInputs(lab, summaries, thresholds or Thresholds(), engine, value_of)
    return inputs


def check_summaries(lab: LabDefinition, summaries: Summaries) -> None:
    """Check that every dataset of the lab is validated (docs/spec/statistics.md#1-input).

    Raises:
        UsageError: a dataset is not validated; the message names all of them.
    """
    missing = [kind.value for kind in lab.datasets if kind not in summaries]
    if missing:
        raise UsageError(
            f"Statistics need every dataset of the lab to be validated; missing: {', '.join(missing)}. "
            "Nothing was computed; provision the missing datasets and run again."
        )
