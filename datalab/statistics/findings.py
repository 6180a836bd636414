"""The findings of a lab: data errors and quality warnings, by comparing figures with thresholds.

This module computes no figures. Every message names the subject (a dataset or a configured identifier), the figure and
the limit, never a row value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from datalab.errors import ConfigurationError, suggestion
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import BasicDatasetStatistics, BasicStatistics, Finding, IdentifierInfo
from datalab.statistics.datasets import Summaries

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Thresholds(BaseModel):
    """The limits of every finding (docs/spec/statistics.md#6-findings-and-status); shares are between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    min_segments: Count = 10
    """TOO_FEW_SEGMENTS below it."""
    max_segments: Count = 2000
    """TOO_MANY_SEGMENTS above it."""
    max_segment_name_length: Count = 128
    """SEGMENT_NAME_TOO_LONG above it, in Unicode code points."""
    max_ages: Count = 20
    """TOO_MANY_AGES above it; empty values are not counted."""
    max_genders: Count = 5
    """TOO_MANY_GENDERS above it; empty values are not counted."""
    min_embeddings: Count = 10
    """TOO_FEW_EMBEDDINGS below it, in configured columns."""
    max_embeddings: Count = 200
    """TOO_MANY_EMBEDDINGS above it, in configured columns."""
    max_users_outside_error_share: Share = 0.95
    """LOW_USER_ID_OVERLAP above it; if no user at all is in identifiers, NO_USER_ID_OVERLAP."""
    max_users_outside_share: Share = 0.01
    """USERS_NOT_IN_IDENTIFIERS above it."""
    min_matchable_share: Share = 0.2
    """LOW_MATCHABLE_SHARE below it."""
    max_users_per_id: Count = 10
    """SHARED_ID above it."""
    max_invalid_share: Share = 0.05
    """HIGH_INVALID_SHARE above it."""
    max_unknown_id_name_rows: Count = 0
    """UNKNOWN_ID_NAME above it."""
    max_user_id_mismatch_rows: Count = 0
    """USER_ID_MISMATCH above it."""
    max_empty_embedding_rows: Count = 0
    """EMPTY_EMBEDDINGS above it."""
    max_foreign_separator_share: Share = 0.5
    """POSSIBLE_WRONG_SEPARATOR above it, of records that all have one column."""
    max_drop_share: Share = 0.2
    """HEADLINE_DROP above it, compared with the previous report of the lab."""


def limits_from_dict(data: Mapping[Any, Any], where: str) -> dict[str, float]:
    """Return limits that differ from the defaults.

    Raises:
        ConfigurationError: there are unknown names or impossible values; lists all of them.
    """
    try:
        Thresholds.model_validate(data)
    except ValidationError as error:
        known = list(Thresholds.model_fields)
        errors = [
            f"{details['loc'][0]}: unknown limit{suggestion(str(details['loc'][0]), known)}"
            if details["type"] == "extra_forbidden"
            else f"{details['loc'][0]}: {details['msg']}"
            for details in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigurationError(where, errors) from None
    return {str(name): float(value) for name, value in data.items()}


class Quality(BaseModel):
    """Figures that only findings use; counts, no value of a row."""

    users_outside_identifiers: dict[str, int] = {}
    """Dataset (not identifiers) → its users who are not in identifiers."""
    matchable_users: dict[str, int] = {}
    """Matching id → users who have one."""
    unknown_id_name_rows: int = 0
    user_id_mismatch_rows: int = 0
    long_segment_names: int = 0
    """Segment names longer than the panel's limit."""
    empty_embedding_rows: int = 0
    withheld_names: dict[str, int] = {}
    """Dataset → how many of its names are withheld (`datalab.statistics.names`); 0 are left out."""
    unchecked_names: dict[str, int] = {}
    """Dataset → how many of its names could not be compared with all user ids of the lab; 0 are left out."""


@dataclass(frozen=True)
class Figures:
    """The figures that decide which findings there are."""

    overview: Mapping[str, IdentifierInfo]
    basic: BasicStatistics
    quality: Quality


def data_errors(lab: LabDefinition, figures: Figures, thresholds: Thresholds) -> list[Finding]:
    """Return the findings that make the statistics FAILED, one per code and subject.

    See the first table of docs/spec/statistics.md#6-findings-and-status.
    """
    return list(_data_errors(lab, figures, thresholds))


def quality_warnings(
    lab: LabDefinition, figures: Figures, summaries: Summaries, thresholds: Thresholds
) -> list[Finding]:
    """Return the findings that a person should review, one per code and subject.

    See the second table of docs/spec/statistics.md#6-findings-and-status.
    """
    return [
        *_identifier_warnings(lab, figures, thresholds),
        *_dataset_warnings(lab, figures, summaries, thresholds),
    ]


def _data_errors(lab: LabDefinition, figures: Figures, limits: Thresholds) -> Iterator[Finding]:
    numbers = _by_dataset(lab, figures)
    for kind, dataset in numbers.items():
        if dataset.valid_rows == 0:
            yield _finding("EMPTY_DATASET", f"{kind.value}: 0 valid rows (at least 1 needed)")
    for entry in lab.matching_ids:
        if figures.overview[entry.id_name].distinct_ids == 0:
            yield _finding("NO_MATCHING_IDS", f"{entry.id_name}: 0 ids of this matching id (at least 1 needed)")
    for kind, dataset in numbers.items():
        users, outside = dataset.distinct_user_ids, figures.quality.users_outside_identifiers.get(kind.value, 0)
        if users and outside == users:
            yield _finding(
                "NO_USER_ID_OVERLAP", f"{kind.value}: 0 of {users} users are in identifiers (at least 1 needed)"
            )
        elif _is_hardly_consistent(users, outside, limits):
            yield _finding(
                "LOW_USER_ID_OVERLAP",
                f"{kind.value}: {outside} of {users} users are not in identifiers "
                f"(limit {limits.max_users_outside_error_share:g})",
            )
    statistics = figures.basic
    if statistics.segments is not None and statistics.segments.valid_rows:
        n = statistics.segments.distinct_segments
        if n < limits.min_segments:
            yield _finding("TOO_FEW_SEGMENTS", f"segments: {n} segments (at least {limits.min_segments} needed)")
        if n > limits.max_segments:
            yield _finding("TOO_MANY_SEGMENTS", f"segments: {n} segments (limit {limits.max_segments})")
    if names := figures.quality.long_segment_names:
        limit = limits.max_segment_name_length
        yield _finding("SEGMENT_NAME_TOO_LONG", f"segments: {names} segment names too long (limit {limit} characters)")
    if statistics.demographics is not None:
        ages, genders = statistics.demographics.distinct_ages, statistics.demographics.distinct_genders
        if ages > limits.max_ages:
            yield _finding("TOO_MANY_AGES", f"demographics: {ages} ages (limit {limits.max_ages})")
        if genders > limits.max_genders:
            yield _finding("TOO_MANY_GENDERS", f"demographics: {genders} genders (limit {limits.max_genders})")
    for name, names in figures.quality.withheld_names.items():
        yield _finding("NAMES_WITHHELD", f"{name}: {names} names hold ids of users, or are ids (limit 0)")
    if lab.require_embeddings:
        n = lab.num_embeddings
        if n < limits.min_embeddings:
            yield _finding("TOO_FEW_EMBEDDINGS", f"embeddings: {n} columns (at least {limits.min_embeddings} needed)")
        if n > limits.max_embeddings:
            yield _finding("TOO_MANY_EMBEDDINGS", f"embeddings: {n} columns (limit {limits.max_embeddings})")


def _identifier_warnings(lab: LabDefinition, figures: Figures, limits: Thresholds) -> Iterator[Finding]:
    everyone = figures.basic.identifiers.distinct_user_ids
    for entry in lab.matching_ids:
        users = figures.quality.matchable_users[entry.id_name]
        if users and users / everyone < limits.min_matchable_share:
            yield _finding(
                "LOW_MATCHABLE_SHARE",
                f"{entry.id_name}: {users} of {everyone} users are matchable (at least {limits.min_matchable_share:g} "
                "expected)",
            )
    for entry in lab.identifiers_config:
        most = figures.overview[entry.id_name].max_userids_per_id
        if (entry.is_matching_id or entry.is_activation_id) and most > limits.max_users_per_id:
            yield _finding("SHARED_ID", f"{entry.id_name}: one id has {most} users (limit {limits.max_users_per_id})")
    for code, rows, limit, what in (
        (
            "UNKNOWN_ID_NAME",
            figures.quality.unknown_id_name_rows,
            limits.max_unknown_id_name_rows,
            "an unconfigured name",
        ),
        ("USER_ID_MISMATCH", figures.quality.user_id_mismatch_rows, limits.max_user_id_mismatch_rows, "another userId"),
    ):
        if rows > limit:
            yield _finding(code, f"identifiers: {rows} valid rows have {what} (limit {limit})")


def _dataset_warnings(
    lab: LabDefinition, figures: Figures, summaries: Summaries, limits: Thresholds
) -> Iterator[Finding]:
    for kind, dataset in _by_dataset(lab, figures).items():
        name, facts = kind.value, summaries[kind].facts
        users, outside = dataset.distinct_user_ids, figures.quality.users_outside_identifiers.get(name, 0)
        if (
            outside < users
            and outside / users > limits.max_users_outside_share
            and not _is_hardly_consistent(users, outside, limits)
        ):
            limit = f"{limits.max_users_outside_share:g}"
            yield _finding(
                "USERS_NOT_IN_IDENTIFIERS", f"{name}: {outside} of {users} users are not in identifiers (limit {limit})"
            )
        invalid, total = dataset.invalid_rows, dataset.total_rows
        if total and invalid / total > limits.max_invalid_share:
            limit = f"{limits.max_invalid_share:g}"
            yield _finding("HIGH_INVALID_SHARE", f"{name}: {invalid} of {total} rows are invalid (limit {limit})")
        if KINDS[kind].numbered:
            empty, most = figures.quality.empty_embedding_rows, limits.max_empty_embedding_rows
            if empty > most:
                yield _finding("EMPTY_EMBEDDINGS", f"{name}: {empty} valid rows have no value at all (limit {most})")
        if facts.is_csv and facts.first_record_is_header:
            yield _finding("POSSIBLE_HEADER_ROW", f"{name}: the first record is the names of the columns (limit 0)")
        one, foreign, share = facts.one_column_rows, facts.foreign_separator_rows, limits.max_foreign_separator_share
        if facts.foreign_separator_share > share:
            yield _finding(
                "POSSIBLE_WRONG_SEPARATOR",
                f"{name}: all {one} records have one column, {foreign} of them hold a semicolon, tab or bar "
                f"(limit {share:g})",
            )


def _is_hardly_consistent(users: int, outside: int, limits: Thresholds) -> bool:
    """Return whether most users of a dataset, but not all, are not in identifiers: most often two kinds of user id."""
    return 0 < outside < users and outside / users > limits.max_users_outside_error_share


def _by_dataset(lab: LabDefinition, figures: Figures) -> dict[DatasetKind, BasicDatasetStatistics]:
    found = {kind: figures.basic.of(kind) for kind in lab.datasets}
    return {kind: dataset for kind, dataset in found.items() if dataset is not None}


def _finding(code: str, message: str) -> Finding:
    return Finding(code=code, message=message)
