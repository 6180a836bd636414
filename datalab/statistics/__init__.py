"""Every number of a lab's statistics, findings and status, from its valid rows; how SQL is executed is the engines'."""

from datalab.statistics.basic import basic_statistics
from datalab.statistics.compare import Change, Comparison, compare_statistics, headline_numbers
from datalab.statistics.datasets import Summaries, ValidatedDataset, ValidRows, register_valid_rows
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
from datalab.statistics.legacy import compute_legacy_statistics, legacy_statistics
from datalab.statistics.panels import (
    BasicPanel,
    DemographicUserCountsPanel,
    EmbeddingsActivationPotential,
    IdentifiersOverview,
    IdProfile,
    IdProfiles,
    MatchableEmbeddingsUsers,
    Panels,
    RemarketingActivationPotential,
    SegmentsActivationPotential,
    SegmentsPerUserPanel,
    SegmentUserCountsPanel,
)
from datalab.statistics.readiness import Readiness, TypeReadiness, readiness
from datalab.statistics.report import assemble_report, compute_panels, compute_statistics
from datalab.statistics.segments import segment_user_counts, segments_per_user
from datalab.statistics.status import validation_status
from datalab.statistics.users import UserGroups, create_users, user_groups, write_users

__all__ = [
    "BasicPanel",
    "Change",
    "Comparison",
    "DemographicUserCountsPanel",
    "EmbeddingsActivationPotential",
    "IdProfile",
    "IdProfiles",
    "IdentifiersOverview",
    "MatchableEmbeddingsUsers",
    "Panels",
    "Readiness",
    "RemarketingActivationPotential",
    "SegmentUserCountsPanel",
    "SegmentsActivationPotential",
    "SegmentsPerUserPanel",
    "Summaries",
    "Thresholds",
    "TypeReadiness",
    "UserGroups",
    "ValidRows",
    "ValidatedDataset",
    "assemble_report",
    "basic_statistics",
    "compare_statistics",
    "compute_legacy_statistics",
    "compute_panels",
    "compute_statistics",
    "create_users",
    "data_errors",
    "demographic_user_counts",
    "embeddings_activation_potential",
    "headline_numbers",
    "id_profiles",
    "identifiers_overview",
    "legacy_statistics",
    "matchable_embeddings_users",
    "quality_warnings",
    "readiness",
    "register_valid_rows",
    "remarketing_activation_potential",
    "segment_user_counts",
    "segments_activation_potential",
    "segments_per_user",
    "user_groups",
    "validation_status",
    "write_users",
]
