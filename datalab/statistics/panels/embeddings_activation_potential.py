"""Embeddings activation potential: the activation ids of users with an embedding.

The rules: docs/spec/statistics.md#5-embeddings.
"""

from datalab.kinds import DatasetKind
from datalab.statistics.panels._activation import activation_potential

PANEL = activation_potential(
    DatasetKind.EMBEDDINGS,
    "How many activation ids do users with an embedding have?",
    lambda profile: profile.reach_embeddings,
    position=1,
)
