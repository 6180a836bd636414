"""What each panel hands on: small pydantic models, one per panel, that an asset can store as JSON; no computation.

`root` is the panel as it stands in `StatisticsResultV2`; it is None where the lab's collaboration types or datasets do
not unlock the panel.
"""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from datalab.results.statistics import (
    ActivationIdStats,
    BasicStatistics,
    DemographicStatistics,
    IdentifierInfo,
    SegmentsPerUserDistribution,
    SegmentUserCounts,
)


class IdProfile(BaseModel):
    """One configured identifier: its ids, and of an activation id how many each audience reaches."""

    distinct_ids: int
    id_user_pairs: int
    """Distinct pairs of an id and a user who has it."""
    max_userids_per_id: int
    reach_matchable: dict[str, int]
    """Matching id → distinct ids held by its matchable users; 0 where no panel asks for it."""
    reach_segments: int
    """Distinct ids held by users with a segment."""
    reach_embeddings: int
    """Distinct ids held by users with an embedding."""


class IdProfiles(RootModel[dict[str, IdProfile]]):
    """One profile per configured identifier, from one pass over the ids; four panels are read from it."""


class IdentifiersOverview(RootModel[dict[str, IdentifierInfo]]):
    """Configured identifier → its counts."""


class RemarketingActivationPotential(RootModel[dict[str, dict[str, ActivationIdStats]] | None]):
    """Matching id → activation id → reachable ids."""


class SegmentsActivationPotential(RootModel[dict[str, ActivationIdStats] | None]):
    """Activation id → ids of users with a segment."""


class EmbeddingsActivationPotential(RootModel[dict[str, ActivationIdStats] | None]):
    """Activation id → ids of users with an embedding."""


class SegmentUserCountsPanel(RootModel[dict[str, dict[str, SegmentUserCounts]] | None]):
    """Matching id → segment → users."""


class SegmentsPerUserPanel(RootModel[dict[str, SegmentsPerUserDistribution] | None]):
    """Matching id → number of segments → users."""


class DemographicUserCountsPanel(RootModel[DemographicStatistics | None]):
    """`age||gender` → users, of all and of each matching id."""


class MatchableEmbeddingsUsers(RootModel[dict[str, dict[str, int]] | None]):
    """Matching id → matchable users, users with embeddings, and both."""


class Quality(BaseModel):
    """Figures that only findings speak of; counts, no value of a row."""

    users_outside_identifiers: dict[str, int] = {}
    """Dataset (not identifiers) → its users who are not in identifiers."""
    matchable_users: dict[str, int] = {}
    """Matching id → users who have one."""
    unknown_id_name_rows: int = 0
    user_id_mismatch_rows: int = 0
    long_segment_names: int = 0
    """Segment names above the limit that the panel was given."""
    empty_embedding_rows: int = 0


class BasicPanel(BaseModel):
    """The basic statistics of every dataset, with the figures behind its findings."""

    statistics: BasicStatistics
    quality: Quality


class Panels(BaseModel):
    """All panels of a lab: what a report is assembled from."""

    identifiers_overview: IdentifiersOverview
    basic_statistics: BasicPanel
    remarketing_activation_potential: RemarketingActivationPotential
    segments_activation_potential: SegmentsActivationPotential
    segment_user_counts: SegmentUserCountsPanel
    segments_per_user: SegmentsPerUserPanel
    demographic_user_counts: DemographicUserCountsPanel
    embeddings_activation_potential: EmbeddingsActivationPotential
    matchable_embeddings_users: MatchableEmbeddingsUsers
