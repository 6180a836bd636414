"""Embeddings activation potential: the number of activation ids of users with an embedding.

The rules: docs/spec/statistics.md#5-embeddings.
"""

from datalab.kinds import DatasetKind
from datalab.statistics.panels._activation import activation_potential

PANEL = activation_potential(
    DatasetKind.EMBEDDINGS,
    lambda profile: profile.reach_embeddings,
    title="Embeddings activation potential",
    question="How many activation ids do users with an embedding have?",
    use="A lookalike audience can be delivered to users with both an embedding and an activation id.",
    caption="Ids of users with an embedding",
)
