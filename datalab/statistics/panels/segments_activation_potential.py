"""Segments activation potential: the activation ids of users with a segment.

The rules: docs/spec/statistics.md#3-segments.
"""

from datalab.kinds import DatasetKind
from datalab.statistics.panels._activation import activation_potential

PANEL = activation_potential(
    DatasetKind.SEGMENTS,
    "How many activation ids do users with at least one segment have?",
    lambda profile: profile.reach_segments,
    position=1,
)
