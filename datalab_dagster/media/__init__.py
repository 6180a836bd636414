"""Media DCRs from Python, a drop-in for `decentriq_platform.media`: only the names that scripts import."""

from datalab_dagster.media import api
from datalab_dagster.media.action import CreateLookalikeAudienceAction
from datalab_dagster.media.audience_statistics_result import LalAudienceStatistics
from datalab_dagster.media.audiences import Audiences
from datalab_dagster.media.exclusion_targeting_audience_builder import (
    ExclusionTargetingAudienceBuilder,
    ExclusionTargetingAudienceDefinition,
)
from datalab_dagster.media.lookalike_audience_builder import LookalikeAudienceBuilder
from datalab_dagster.media.media import MediaDcr
from datalab_dagster.media.participant import Participant
from datalab_dagster.media.remarketing_audience_builder import RemarketingAudienceBuilder, RemarketingAudienceDefinition
from datalab_dagster.media.rule_based_builder import (
    AudienceCombinator,
    AudienceCombinatorBuilder,
    AudienceFilters,
    CombineOperator,
    Filter,
    FilterOperator,
    MatchOperator,
    RuleBasedAudienceBuilder,
    RuleBasedAudienceDefinition,
)
from datalab_dagster.media.validation_reports import ValidationReports
from datalab_dagster.types import CollaborationType, IdType, MatchingId, Permission

__all__ = [
    "AudienceCombinator",
    "AudienceCombinatorBuilder",
    "AudienceFilters",
    "Audiences",
    "CollaborationType",
    "CombineOperator",
    "CreateLookalikeAudienceAction",
    "ExclusionTargetingAudienceBuilder",
    "ExclusionTargetingAudienceDefinition",
    "Filter",
    "FilterOperator",
    "IdType",
    "LalAudienceStatistics",
    "LookalikeAudienceBuilder",
    "MatchOperator",
    "MatchingId",
    "MediaDcr",
    "Participant",
    "Permission",
    "RemarketingAudienceBuilder",
    "RemarketingAudienceDefinition",
    "RuleBasedAudienceBuilder",
    "RuleBasedAudienceDefinition",
    "ValidationReports",
    "api",
]
