"""Basic statistics: rows, users and distinct values of every dataset, and the figures for its findings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from datalab.codes import explain
from datalab.engines import Parameter
from datalab.formats import number
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, LabDefinition
from datalab.results.statistics import (
    BasicDatasetStatistics,
    BasicDemographicsStatistics,
    BasicEmbeddingsStatistics,
    BasicIdentifiersStatistics,
    BasicSegmentsStatistics,
    BasicStatistics,
)
from datalab.statistics.fields import FIELDS
from datalab.statistics.findings import Quality
from datalab.statistics.names import LINE_BREAKS
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.sql import statements
from datalab.statistics.tables import (
    Cell,
    Column,
    Figure,
    Json,
    NumberTable,
    ReportNumbers,
    Table,
    Unit,
    by_size,
    ratio,
)
from datalab.statistics.users import USERS
from datalab.statistics.view import View

NAME = "basic_statistics"
_SQL = statements(__file__)
_POSITION = 2
_USE = {
    DatasetKind.IDENTIFIERS: "Anomalies show here first: rows that went missing, or a reason that makes many rows "
    "invalid.",
    DatasetKind.DEMOGRAPHICS: "Check these numbers before you interpret the panel below.",
}
"""The advice to readers, for datasets that need another text than the general one."""


class BasicPanel(BaseModel):
    """The basic statistics of every dataset, with the figures for its findings."""

    statistics: BasicStatistics
    quality: Quality


def compute(inputs: PanelInputs) -> BasicPanel:
    """Return rows, users and distinct values of every dataset of the lab.

    See docs/spec/statistics.md#2-identifiers and the sections after it.
    """
    lab, groups = inputs.lab, inputs.groups
    ids = DatasetKind.IDENTIFIERS

    def row(statement: str, *parameters: Parameter, **parts: str) -> dict[str, Any]:
        text = _SQL[statement].format(**parts)
        [found] = inputs.engine.query(text, parameters, panel=NAME).to_pylist()
        return dict(found)

    def common(kind: DatasetKind) -> dict[str, Any]:
        summary = inputs.summaries[kind]
        return {
            "total_rows": summary.total_rows,
            "valid_rows": summary.valid_rows,
            "invalid_rows": summary.invalid_rows,
            "invalid_rows_by_reason": summary.invalid_rows_by_reason,
            "distinct_user_ids": groups.users_in(kind),
        }

    profiles = inputs.value(id_profiles.PANEL).root
    counts = [profiles[entry.id_name].distinct_ids for entry in lab.identifiers_config]
    statistics = BasicStatistics(
        identifiers=BasicIdentifiersStatistics(
            **common(ids), distinct_id_names=sum(n > 0 for n in counts), distinct_ids=sum(counts)
        )
    )
    names = [entry.id_name for entry in lab.identifiers_config]
    quality = Quality(
        users_outside_identifiers={
            kind.value: groups.users_in(kind, without=[ids]) for kind in lab.datasets if kind is not ids
        },
        matchable_users={m.id_name: groups.users_in(matching=j) for j, m in enumerate(lab.matching_ids)},
        unknown_id_name_rows=row("unknown_names", *names, names=", ".join("?" for _ in names))["n"],
        user_id_mismatch_rows=row("mismatches", USER_ID)["n"],
    )

    def note_withheld(kind: DatasetKind, broken: int) -> None:
        found = inputs.names(kind, NAME).count(any_broken=broken > 0)
        if found.names:
            quality.withheld_names[kind.value] = found.names
        lacks_users = any(inputs.summaries[kind].valid_rows == 0 for kind in lab.datasets)
        if unchecked := found.unknown + (found.shown if lacks_users else 0):
            quality.unchecked_names[kind.value] = unchecked

    if lab.require_segments:
        found = row("segment_names", inputs.limits.max_segment_name_length, *LINE_BREAKS)
        note_withheld(DatasetKind.SEGMENTS, found["broken"])
        statistics.segments = BasicSegmentsStatistics(**common(DatasetKind.SEGMENTS), distinct_segments=found["n"])
        quality.long_segment_names = found["long_names"]
    if lab.require_demographics:
        found = row("demographic_values", *LINE_BREAKS, *LINE_BREAKS)
        note_withheld(DatasetKind.DEMOGRAPHICS, found["broken"])
        statistics.demographics = BasicDemographicsStatistics(
            **common(DatasetKind.DEMOGRAPHICS), distinct_ages=found["ages"], distinct_genders=found["genders"]
        )
    if lab.require_embeddings:
        found = row("scopes")
        statistics.embeddings = BasicEmbeddingsStatistics(**common(DatasetKind.EMBEDDINGS), distinct_scopes=found["n"])
        quality.empty_embedding_rows = row("empty_embeddings", all_null=_all_null(lab))["n"]
    for kind in lab.datasets:
        if kind not in BasicStatistics.model_fields:
            setattr(statistics, kind.value, BasicDatasetStatistics(**common(kind)))
    return BasicPanel(statistics=statistics, quality=quality)


def _all_null(lab: LabDefinition) -> str:
    return " AND ".join(f"e{i} IS NULL" for i in range(lab.num_embeddings))


def table(value: BasicPanel) -> NumberTable:
    """Return rows and users of every dataset."""
    datasets = {kind: value.statistics.of(kind) for kind in DatasetKind}
    rows = [
        (kind.value, dataset.total_rows, dataset.valid_rows, dataset.invalid_rows, dataset.distinct_user_ids)
        for kind, dataset in datasets.items()
        if dataset is not None
    ]
    return NumberTable(("dataset", "rows", "valid rows", "invalid rows", "users"), rows)


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return rows, users and distinct values of every dataset."""
    rows = []
    for name, numbers in part.items():
        if numbers:
            distinct = [
                f"{number(numbers[field])} {field.removeprefix('distinct_').replace('_', ' ')}"
                for field in numbers
                if field.startswith("distinct_") and field != "distinct_user_ids"
            ]
            counts = [numbers[field] for field in ("total_rows", "valid_rows", "invalid_rows", "distinct_user_ids")]
            rows.append([name, *counts, ", ".join(distinct)])
    names = [Column("dataset", Unit.NAME), *map(Column, ("rows", "valid", "invalid", "users"))]
    return [Table("Datasets of the lab", [*names, Column("distinct", Unit.NAME)], rows)]


def _view(kind: DatasetKind) -> View:
    """Return the view of the basic statistics of one dataset."""

    def figures(numbers: Json) -> list[Figure]:
        parts = {field: ratio(numbers[field], numbers["total_rows"]) for field in ("valid_rows", "invalid_rows")}
        return [
            Figure(FIELDS[field], value, parts.get(field), f"{kind.value}.{field}")
            for field, value in numbers.items()
            if field != "invalid_rows_by_reason"
        ]

    def reasons(numbers: Json, report: ReportNumbers) -> list[Table]:
        found = [(code, rows) for code, rows in numbers["invalid_rows_by_reason"].items() if rows]
        found.sort(key=lambda item: by_size(item[1], item[0]))
        columns = [Column("Why rows are invalid", Unit.NAME), Column("Rows"), Column("Code", Unit.NAME)]
        lines: list[list[Cell]] = [[explain(code).label, rows, code] for code, rows in found]
        return [Table(f"Invalid rows of {kind.value} by reason", columns, lines)] if lines else []

    return View(
        key=f"basic_{kind.value}",
        dataset=kind,
        title=f"Basic {kind.value} statistics",
        question=f"Is the {kind.value} dataset complete and clean?",
        use=_USE.get(kind, "Check these numbers before you interpret the panels below."),
        path=(NAME, kind.value),
        tables=reasons,
        figures=figures,
        position=_POSITION if kind is DatasetKind.IDENTIFIERS else 0,
    )


PANEL = Panel(
    name=NAME,
    title="Basic statistics",
    question="Is every dataset complete and clean?",
    inputs=(USERS, id_profiles.PANEL, *DatasetKind),
    model=BasicPanel,
    compute=compute,
    table=table,
    tables=tables,
    position=_POSITION,
    place=(NAME,),
    views=tuple(map(_view, DatasetKind)),
)
