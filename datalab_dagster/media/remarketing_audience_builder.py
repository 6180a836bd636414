"""Defines a remarketing audience: the matched users of a seed audience."""

from __future__ import annotations

from datalab_dagster.media.seed_type_audience import SeedTypeAudienceBuilder, SeedTypeAudienceDefinition


class RemarketingAudienceDefinition(SeedTypeAudienceDefinition):
    """A remarketing audience; `shared_with` holds ids of participants."""

    kind = "REMARKETING"


class RemarketingAudienceBuilder(SeedTypeAudienceBuilder[RemarketingAudienceDefinition]):
    """Builds the definition of a remarketing audience from the seed audience of one type."""

    _definition = RemarketingAudienceDefinition
