"""What a run did, in words: a validation, or what a person materialised in Dagster's pages; no numbers, no markup."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from datalab.formats import counted, listed
from datalab.kinds import KINDS, DatasetKind
from datalab.statistics import PANELS

VALIDATION = "Validation"
_VERDICT = "validation_status"
_VALID = {f"valid_{kind.value}": kind for kind in DatasetKind}
_TITLES: Mapping[str, str] = {
    **{kind.value: f"{declared.title} read" for kind, declared in KINDS.items()},
    "users": "Users joined",
    **{panel.name: panel.title for panel in PANELS},
    "statistics_report": "Statistics report",
    "dashboard": "Dashboard",
}
"""Asset → what it is, in the order of the graph."""
_NAMED = 3
"""How many assets are named."""


def what_ran(assets: Collection[str] | None) -> str:
    """Return what a run materialised; None: all assets, or it is not known.

    >>> what_ran(None), what_ran(["users"]), what_ran(["valid_segments", "segments_validation_report"])
    ('Validation', 'Users joined', 'Validation of Segments')
    """
    if assets is None or _VERDICT in assets:
        return VALIDATION
    if validated := kinds_validated(assets):
        return f"{VALIDATION} of {listed([KINDS[kind].title for kind in validated])}"
    titles = [title for name, title in _TITLES.items() if name in assets]
    more = [counted(len(titles) - _NAMED, "further asset")] if len(titles) > _NAMED else []
    return listed([*titles[:_NAMED], *more])


def kinds_validated(assets: Collection[str]) -> list[DatasetKind]:
    """Return the datasets that a run validated."""
    return [kind for name, kind in _VALID.items() if name in assets]
