"""Embeddings activation potential: the activation ids of users with an embedding.

The rules: docs/spec/statistics.md#5-embeddings.
"""

from datalab.kinds import DatasetKind
from datalab.statistics.panels._activation import activation_potential

PANEL = activation_potential(
    DatasetKind.EMBEDDINGS,
    lambda profile: profile.reach_embeddings,
    title="Embeddings activation potential",
    question="How many activation ids do users with an embedding have?",
    use="Users with both an embedding and an activation id are those a lookalike audience can be delivered to.",
    caption="Ids of users with an embedding",
)
