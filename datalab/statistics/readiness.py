"""The collaboration types that a lab is ready for; findings decide whether its data is good.

The rules: docs/spec/statistics.md#9-readiness-by-collaboration-type.
"""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from datalab.collaboration import CollaborationType, Part
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResultV2


class TypeReadiness(BaseModel):
    """Whether one collaboration type can be used."""

    enabled: bool
    """Whether the lab's definition supports it; OVERLAP always."""
    ready: bool
    """Whether no required part is missing; independent of `enabled`."""
    missing: list[Part]
    """The required parts that are missing."""
    nice_to_have: list[Part]
    """The optional parts that are missing."""


class Readiness(RootModel[dict[CollaborationType, TypeReadiness]]):
    """All collaboration types, in their order."""


def readiness(lab: LabDefinition, statistics: StatisticsResultV2 | None = None) -> Readiness:
    """Return, for each collaboration type, whether the lab is ready for it and what is missing.

    Without `statistics`, a part exists if the definition has it. With `statistics`, the data must have it too: an
    identifier needs at least one id, a dataset at least one valid row.

    Example:
        >>> lab = LabDefinition(identifiersConfig=[{"idName": "userId", "idType": "STRING", "isMatchingId": True}])
        >>> [(kind.value, [*map(str, entry.missing)]) for kind, entry in readiness(lab).root.items()][:3]
        [('OVERLAP', []), ('INSIGHTS', ['segments']), ('REMARKETING', ['activation id'])]
    """
    there = _present(lab, statistics)
    return Readiness({kind: _of(kind, lab, there) for kind in CollaborationType})


def _of(kind: CollaborationType, lab: LabDefinition, there: dict[Part, bool]) -> TypeReadiness:
    missing = [part for part in kind.must if not there[part]]
    return TypeReadiness(
        enabled=kind in lab.collaboration_types or kind.is_always_on,
        ready=not missing,
        missing=missing,
        nice_to_have=[part for part in kind.nice if not there[part]],
    )


def _present(lab: LabDefinition, statistics: StatisticsResultV2 | None) -> dict[Part, bool]:
    names = {entry.id_name for entry in lab.identifiers_config}
    if statistics is not None:
        names = {name for name, info in statistics.identifiers_overview.items() if info.distinct_ids}

    def has(dataset: str) -> bool:
        if statistics is None or not KINDS[DatasetKind(dataset)].is_in(lab):
            return KINDS[DatasetKind(dataset)].is_in(lab)
        found = statistics.basic_statistics.of(dataset)
        return found is not None and found.valid_rows > 0

    return {
        Part.MATCHING_ID: any(entry.id_name in names for entry in lab.matching_ids),
        Part.ACTIVATION_ID: any(entry.id_name in names for entry in lab.activation_ids),
        **{part: any(map(has, part.datasets)) for part in Part if part.datasets},
    }
