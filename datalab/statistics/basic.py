"""The basic statistics of every dataset and the figures behind findings; whether one is bad is not decided here."""

from __future__ import annotations

from datalab.engines import Engine, Parameter
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, LabDefinition
from datalab.results.statistics import (
    BasicDemographicsStatistics,
    BasicEmbeddingsStatistics,
    BasicIdentifiersStatistics,
    BasicSegmentsStatistics,
    BasicStatistics,
)
from datalab.statistics.datasets import Summaries
from datalab.statistics.panels import BasicPanel, IdProfiles, Quality
from datalab.statistics.users import UserGroups, user_groups

_PANEL = "basic_statistics"


def unknown_names_sql(lab: LabDefinition) -> tuple[str, list[Parameter]]:
    """Return the SELECT of `n`: rows whose id_name is not configured."""
    marks = ", ".join("?" for _ in lab.identifiers_config)
    return (
        f"SELECT COUNT(*) AS n FROM identifiers WHERE id_name NOT IN ({marks})",
        [entry.id_name for entry in lab.identifiers_config],
    )


def mismatches_sql() -> tuple[str, list[Parameter]]:
    """Return the SELECT of `n`: explicit rows of the user id that name another id."""
    return "SELECT COUNT(*) AS n FROM identifiers WHERE id_name = ? AND id <> user_id", [USER_ID]


def segment_names_sql(longest: int) -> tuple[str, list[Parameter]]:
    """Return the SELECT of `n` distinct segments and `long_names`, those of more than `longest` code points."""
    return (
        """
SELECT COUNT(*) AS n, CAST(COALESCE(SUM(CASE WHEN LENGTH(s.segment) > ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS long_names
FROM (SELECT DISTINCT segment FROM segments) s""",
        [longest],
    )


def demographic_values_sql() -> str:
    """Return the SELECT of `ages` and `genders`: distinct values that are not empty."""
    return """
SELECT COUNT(DISTINCT NULLIF(d.age, '')) AS ages, COUNT(DISTINCT NULLIF(d.gender, '')) AS genders
FROM (SELECT DISTINCT age, gender FROM demographics) d"""


def scopes_sql() -> str:
    """Return the SELECT of `n` distinct scopes."""
    return "SELECT COUNT(DISTINCT scope) AS n FROM embeddings"


def empty_embeddings_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `n`: embeddings without a value (NaN is stored as null).

    Written as one conjunction of IS NULL: Parquet statistics answer it without reading columns that hold no null.
    """
    empty = " AND ".join(f"e{i} IS NULL" for i in range(lab.num_embeddings))
    return f"SELECT COUNT(*) AS n FROM embeddings WHERE {empty}"


def basic_statistics(
    engine: Engine,
    lab: LabDefinition,
    summaries: Summaries,
    profiles: IdProfiles,
    *,
    max_segment_name_length: int = 128,
    groups: UserGroups | None = None,
) -> BasicPanel:
    """Return rows, users and distinct values of every dataset of the lab.

    See docs/spec/statistics.md#2-identifiers and the sections after it.

    Needs the relations of the datasets and `users`.
    """
    groups = user_groups(engine, lab) if groups is None else groups
    ids = DatasetKind.IDENTIFIERS

    def number(sql: str, parameters: list[Parameter] | None = None, column: str = "n") -> int:
        return int(engine.query(sql, parameters or [], panel=_PANEL)[column][0].as_py())

    def common(kind: DatasetKind) -> dict[str, int | dict[str, int]]:
        summary = summaries[kind]
        return {
            "total_rows": summary.total_rows,
            "valid_rows": summary.valid_rows,
            "invalid_rows": summary.invalid_rows,
            "invalid_rows_by_reason": summary.invalid_rows_by_reason,
            "distinct_user_ids": groups.users_in(kind),
        }

    counts = [profiles.root[entry.id_name].distinct_ids for entry in lab.identifiers_config]
    statistics = BasicStatistics(
        identifiers=BasicIdentifiersStatistics.model_validate(
            {**common(ids), "distinct_id_names": sum(n > 0 for n in counts), "distinct_ids": sum(counts)}
        )
    )
    quality = Quality(
        users_outside_identifiers={
            kind.value: groups.users_in(kind, without=[ids]) for kind in lab.datasets if kind is not ids
        },
        matchable_users={m.id_name: groups.users_in(matching=j) for j, m in enumerate(lab.matching_ids)},
        unknown_id_name_rows=number(*unknown_names_sql(lab)),
        user_id_mismatch_rows=number(*mismatches_sql()),
    )
    if lab.require_segments:
        sql, parameters = segment_names_sql(max_segment_name_length)
        row = engine.query(sql, parameters, panel=_PANEL).to_pylist()[0]
        statistics.segments = BasicSegmentsStatistics.model_validate(
            {**common(DatasetKind.SEGMENTS), "distinct_segments": row["n"]}
        )
        quality.long_segment_names = row["long_names"]
    if lab.require_demographics:
        row = engine.query(demographic_values_sql(), panel=_PANEL).to_pylist()[0]
        statistics.demographics = BasicDemographicsStatistics.model_validate(
            {**common(DatasetKind.DEMOGRAPHICS), "distinct_ages": row["ages"], "distinct_genders": row["genders"]}
        )
    if lab.require_embeddings:
        statistics.embeddings = BasicEmbeddingsStatistics.model_validate(
            {**common(DatasetKind.EMBEDDINGS), "distinct_scopes": number(scopes_sql())}
        )
        quality.empty_embedding_rows = number(empty_embeddings_sql(lab))
    return BasicPanel(statistics=statistics, quality=quality)
