"""Defines an exclusion targeting audience: the base without the matched users of a seed audience."""

from __future__ import annotations

from datalab_dagster.media.seed_type_audience import SeedTypeAudienceBuilder, SeedTypeAudienceDefinition


class ExclusionTargetingAudienceDefinition(SeedTypeAudienceDefinition):
    """An exclusion targeting audience; `shared_with` holds ids of participants."""

    kind = "EXCLUSION_TARGETING"


class ExclusionTargetingAudienceBuilder(SeedTypeAudienceBuilder[ExclusionTargetingAudienceDefinition]):
    """Builds the definition of an exclusion targeting audience from the seed audience of one type."""

    _definition = ExclusionTargetingAudienceDefinition
