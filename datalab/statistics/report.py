"""Assembles panels to the report of a lab, and computes all of it in one call; no panel's number is made here."""

from __future__ import annotations

from datalab.engines import Engine, open_engine
from datalab.errors import UsageError
from datalab.lab import LabDefinition
from datalab.results.statistics import SegmentStatistics, StatisticsResultV2
from datalab.statistics.basic import basic_statistics
from datalab.statistics.datasets import Summaries, ValidRows, register_valid_rows
from datalab.statistics.demographics import demographic_user_counts
from datalab.statistics.embeddings import matchable_embeddings_users
from datalab.statistics.findings import Thresholds, data_errors, quality_warnings
from datalab.statistics.identifiers import (
    embeddings_activation_potential,
    id_profiles,
    identifiers_overview,
    remarketing_activation_potential,
    segments_activation_potential,
)
from datalab.statistics.panels import Panels
from datalab.statistics.segments import segment_user_counts, segments_per_user
from datalab.statistics.users import create_users, user_groups


def compute_panels(
    engine: Engine, lab: LabDefinition, summaries: Summaries, thresholds: Thresholds | None = None
) -> Panels:
    """Compute every panel; needs the relations of the datasets and `users`."""
    limits = thresholds or Thresholds()
    groups = user_groups(engine, lab)
    profiles = id_profiles(engine, lab, groups)
    return Panels.model_construct(
        identifiers_overview=identifiers_overview(lab, profiles),
        basic_statistics=basic_statistics(
            engine, lab, summaries, profiles, max_segment_name_length=limits.max_segment_name_length, groups=groups
        ),
        remarketing_activation_potential=remarketing_activation_potential(lab, profiles),
        segments_activation_potential=segments_activation_potential(lab, profiles),
        segment_user_counts=segment_user_counts(engine, lab, groups),
        segments_per_user=segments_per_user(engine, lab),
        demographic_user_counts=demographic_user_counts(engine, lab),
        embeddings_activation_potential=embeddings_activation_potential(lab, profiles),
        matchable_embeddings_users=matchable_embeddings_users(engine, lab, groups),
    )


def assemble_report(
    lab: LabDefinition, panels: Panels, summaries: Summaries, thresholds: Thresholds | None = None
) -> StatisticsResultV2:
    """Return the report that the panels make, with its findings and status (docs/spec/statistics.md)."""
    limits = thresholds or Thresholds()
    overview, basic = panels.identifiers_overview, panels.basic_statistics
    errors = data_errors(lab, overview, basic, limits)
    segments = None
    if basic.statistics.segments is not None:
        segments = SegmentStatistics.model_construct(
            distinct_users_with_segments=basic.statistics.segments.distinct_user_ids,
            segment_user_counts=panels.segment_user_counts.root,
            segments_per_user_distribution=panels.segments_per_user.root,
        )
    return StatisticsResultV2.model_construct(
        identifiers_overview=overview.root,
        basic_statistics=basic.statistics,
        remarketing_activation_potential=panels.remarketing_activation_potential.root,
        segments_activation_potential=panels.segments_activation_potential.root,
        embeddings_activation_potential=panels.embeddings_activation_potential.root,
        segment_statistics=segments,
        demographic_statistics=panels.demographic_user_counts.root,
        embeddings_statistics=panels.matchable_embeddings_users.root,
        status="FAILED" if errors else "SUCCESS",
        data_errors=errors,
        quality_warnings=quality_warnings(lab, overview, basic, summaries, limits),
    )


def compute_statistics(
    lab: LabDefinition,
    valid_rows: ValidRows,
    summaries: Summaries,
    engine: Engine | None = None,
    thresholds: Thresholds | None = None,
) -> StatisticsResultV2:
    """Compute the whole report of a lab from the valid rows of its datasets.

    Args:
        lab: the definition of the lab.
        valid_rows: per dataset a Parquet path, several, or a pyarrow Table or Dataset (see `register_valid_rows`).
        summaries: per dataset of the lab what validation found.
        engine: executes the SQL; default: a DuckDB engine of its own, closed afterwards. In an engine that is given,
            the relations of the datasets and `users` are replaced, and stay.
        thresholds: the limits of the findings.

    Raises:
        UsageError: a dataset of the lab has no summary.
        EngineError: a statement could not be executed; names the panel.

    Example:
        >>> import pyarrow as pa
        >>> from datalab.kinds import DatasetKind
        >>> from datalab.statistics import ValidatedDataset
        >>> lab = LabDefinition(identifiersConfig=[{"idName": "userId", "idType": "STRING", "isMatchingId": True}],
        ...     numIdentifiersColumns=1)
        >>> rows = pa.table({"user_id": ["u1", "u2"], "id_name": ["userId"] * 2, "id": ["u1", "u2"]})
        >>> ids = DatasetKind.IDENTIFIERS
        >>> report = compute_statistics(lab, {ids: rows}, {ids: ValidatedDataset(total_rows=2, valid_rows=2)})
        >>> report.status, report.identifiers_overview["userId"].distinct_ids
        ('SUCCESS', 2)
    """
    check_summaries(lab, summaries)
    if engine is None:
        with open_engine() as own:
            return compute_statistics(lab, valid_rows, summaries, own, thresholds)
    register_valid_rows(engine, lab, valid_rows)
    create_users(engine, lab)
    return assemble_report(lab, compute_panels(engine, lab, summaries, thresholds), summaries, thresholds)


def check_summaries(lab: LabDefinition, summaries: Summaries) -> None:
    """Refuse to compute before every dataset of the lab is validated (docs/spec/statistics.md#1-input).

    Raises:
        UsageError: naming the datasets that are missing.
    """
    missing = [kind.value for kind in lab.datasets if kind not in summaries]
    if missing:
        raise UsageError(
            f"Statistics wait until every dataset of the lab is validated; missing: {', '.join(missing)}. "
            "Nothing was computed; provision what is missing and run again."
        )
