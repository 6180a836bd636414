"""The words of the page: datasets, panels and the questions they answer, reasons; no numbers, no markup.

What a finding means and what to do about it is `datalab.codes`'.
"""

from __future__ import annotations

from dataclasses import dataclass

from datalab.collaboration import CollaborationType
from datalab.dashboard.formats import listed
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition

DATASETS = {
    DatasetKind.IDENTIFIERS: ("Identifiers", "Which ids the lab holds, and how far they reach."),
    DatasetKind.SEGMENTS: ("Segments", "Which audiences users belong to."),
    DatasetKind.DEMOGRAPHICS: ("Demographics", "Age and gender of users."),
    DatasetKind.EMBEDDINGS: ("Embeddings", "Numeric profiles of users, for lookalike modelling."),
}
"""Dataset → title, and what it is about."""

_ACTIVATING = (CollaborationType.LOOKALIKE, CollaborationType.RULE_BASED)


@dataclass(frozen=True)
class PanelText:
    """The words of one panel, and what unlocks it."""

    dataset: DatasetKind
    title: str
    question: str
    use: str
    """What a reader learns from it."""
    types: tuple[CollaborationType, ...] = ()
    """Collaboration types of which the lab needs one; none: always shown."""


PANELS = {
    "identifiers_overview": PanelText(
        DatasetKind.IDENTIFIERS,
        "Identifiers overview",
        "Which ids are available, how many of each, and how many userIds share one?",
        "Compare with the number of ids you expected to upload. An id that many userIds share is rarely one person's.",
    ),
    "basic_identifiers": PanelText(
        DatasetKind.IDENTIFIERS,
        "Basic identifiers statistics",
        "Is the identifiers dataset complete and clean?",
        "Anomalies show here first: rows that went missing, or a reason that makes many rows invalid.",
    ),
    "remarketing_activation_potential": PanelText(
        DatasetKind.IDENTIFIERS,
        "Remarketing activation potential",
        "When users are matched on one id, how many activation ids can be reached?",
        "The ceiling of a remarketing campaign for each pair of matching id and activation id.",
        (CollaborationType.REMARKETING,),
    ),
    "basic_segments": PanelText(
        DatasetKind.SEGMENTS,
        "Basic segments statistics",
        "Is the segments dataset complete and clean?",
        "Look here before reading anything into the panels below.",
    ),
    "segments_activation_potential": PanelText(
        DatasetKind.SEGMENTS,
        "Segments activation potential",
        "How many activation ids do users with at least one segment have?",
        "The larger the number, the further a campaign on segments reaches.",
        _ACTIVATING,
    ),
    "segment_user_counts": PanelText(
        DatasetKind.SEGMENTS,
        "Segment user counts",
        "How many users are in each segment, and how many of them can be matched?",
        "A segment whose share among matchable users differs much from its share among all is over- or "
        "under-represented in a match.",
        (CollaborationType.INSIGHTS,),
    ),
    "segments_per_user": PanelText(
        DatasetKind.SEGMENTS,
        "Segments-per-user counts",
        "How many segments does a user belong to?",
        "Shows whether segmentation is spread evenly or concentrated on few users. 0 stands for users without a "
        "segment.",
        _ACTIVATING,
    ),
    "basic_demographics": PanelText(
        DatasetKind.DEMOGRAPHICS,
        "Basic demographics statistics",
        "Is the demographics dataset complete and clean?",
        "Look here before reading anything into the panel below.",
    ),
    "demographic_user_counts": PanelText(
        DatasetKind.DEMOGRAPHICS,
        "Demographic user counts",
        "How old are users and of which gender, and do matchable users differ?",
        "If the shape of matchable users differs from that of all, a matched audience will not look like yours.",
        _ACTIVATING,
    ),
    "basic_embeddings": PanelText(
        DatasetKind.EMBEDDINGS,
        "Basic embeddings statistics",
        "Is the embeddings dataset complete and clean?",
        "Look here before reading anything into the panels below.",
    ),
    "embeddings_activation_potential": PanelText(
        DatasetKind.EMBEDDINGS,
        "Embeddings activation potential",
        "How many activation ids do users with an embedding have?",
        "Users with both an embedding and an activation id are those a lookalike audience can be delivered to.",
        _ACTIVATING,
    ),
    "matchable_embeddings_users": PanelText(
        DatasetKind.EMBEDDINGS,
        "Matchable embeddings users",
        "How many matchable users have an embedding?",
        "Users with both a matching id and an embedding can be found again as seed users of a lookalike model.",
        _ACTIVATING,
    ),
}
"""Panel → its words, in the order of the page."""


def absence(key: str, lab: LabDefinition) -> str:
    """Return why the lab does not show a panel."""
    panel = PANELS[key]
    if panel.dataset not in lab.datasets:
        return f"This lab has no {panel.dataset.value} dataset."
    if panel.types and not set(panel.types) & set(lab.collaboration_types):
        names = listed([kind.label for kind in panel.types], "or")
        return (
            f"Shown when the lab supports {names}; it supports neither."
            if len(panel.types) > 1
            else (f"Shown when the lab supports {names}; it does not.")
        )
    return "This report does not hold it."


FIELDS = {
    "total_rows": "Rows",
    "valid_rows": "Valid rows",
    "invalid_rows": "Invalid rows",
    "distinct_user_ids": "Distinct userIds",
    "distinct_id_names": "Id names in use",
    "distinct_ids": "Distinct ids",
    "distinct_segments": "Distinct segments",
    "distinct_ages": "Distinct ages",
    "distinct_genders": "Distinct genders",
    "distinct_scopes": "Distinct scopes",
    "matchable_users": "Matchable users",
    "matchable_users_with_embeddings": "Matchable users with embedding",
    "reachable_activation_ids": "Reachable activation ids",
}
"""Numbers of the report → what the page calls them."""


def metric_name(metric: str) -> tuple[str, str]:
    """Return (dataset title, words) of a headline number such as ``remarketing.hem.maid.reachable_activation_ids``.

    Example:
        >>> metric_name("identifiers.hem.distinct_ids")
        ('Identifiers', 'Distinct ids: hem')
        >>> metric_name("remarketing.hem.maid.reachable_activation_ids")
        ('Identifiers', 'Reachable activation ids, remarketing: hem.maid')
    """
    group, _, rest = metric.partition(".")
    subject, _, field = rest.rpartition(".")
    label = FIELDS.get(field, field)
    titles = {kind.value: title for kind, (title, _) in DATASETS.items()}
    if group == "remarketing":
        group, label = "identifiers", f"{label}, remarketing"
    return titles.get(group, group), f"{label}: {subject}" if subject else label
