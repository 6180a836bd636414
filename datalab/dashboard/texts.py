"""Texts of the page that belong to no panel: titles of datasets, reasons why a panel is absent; no numbers, no markup.

The texts of a panel are in the panel; meaning and advice of a finding are in `datalab.codes`.
"""

from __future__ import annotations

from datalab.formats import listed
from datalab.kinds import KINDS, MATCHING
from datalab.lab import LabDefinition
from datalab.statistics import View
from datalab.statistics.fields import FIELDS

DATASETS = {kind: (declared.title, declared.purpose) for kind, declared in KINDS.items()}
"""Dataset → title and purpose."""


def absence(view: View, lab: LabDefinition) -> str:
    """Return why the page does not show a panel."""
    if view.dataset not in lab.datasets:
        return f"This lab has no {view.dataset.value} dataset."
    if view.types and not set(view.types) & set(lab.collaboration_types):
        names = listed([kind.label for kind in view.types], "or")
        return (
            f"Shown when the lab supports {names}; it supports neither."
            if len(view.types) > 1
            else (f"Shown when the lab supports {names}; it does not.")
        )
    return "This report does not contain it."


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
        group, label = MATCHING, f"{label}, remarketing"
    return titles.get(group, group), f"{label}: {subject}" if subject else label
