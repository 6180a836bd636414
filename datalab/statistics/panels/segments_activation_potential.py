"""Segments activation potential: the number of activation ids of users with a segment.

The rules: docs/spec/statistics.md#3-segments.
"""

from datalab.kinds import DatasetKind
from datalab.statistics.panels._activation import activation_potential

PANEL = activation_potential(
    DatasetKind.SEGMENTS,
    lambda profile: profile.reach_segments,
    title="Segments activation potential",
    question="How many activation ids do users with at least one segment have?",
    use="The larger the number, the further a campaign on segments reaches.",
    caption="Ids of users with a segment",
)
