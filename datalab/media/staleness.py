"""What custom audiences ask for that the data no longer have.

The rules: docs/spec/media.md#4-audience-algebra, stale audiences.
"""

from __future__ import annotations

from collections.abc import Mapping

from datalab.media.base import BaseAudience
from datalab.media.definitions import Custom, CustomAudience, Seed, filters_of, references


def staleness(base: BaseAudience, audience: CustomAudience) -> dict[str, list[str]] | None:
    """Return what an audience and its prerequisites miss; None: nothing."""
    audiences, seeds, attributes, values = set[str](), set[str](), set[str](), set[str]()
    for one in _closure(base.room.audiences, audience):
        for reference in references(one.definition):
            if isinstance(reference, Seed) and reference.audience_type not in base.seed_types:
                seeds.add(reference.audience_type)
            elif isinstance(reference, Custom) and reference.id not in base.room.audiences:
                audiences.add(reference.id)
        for wanted in filters_of(one.definition):
            if wanted.attribute not in base.names:
                attributes.add(wanted.attribute)
            else:
                values.update(value for value in wanted.wanted if value not in base.names[wanted.attribute])
    missing = {
        "missingCustomAudiences": sorted(audiences),
        "missingFilterAttributes": sorted(attributes),
        "missingFilterValues": sorted(values),
        "missingSeedAudiences": sorted(seeds),
    }
    return missing if any(missing.values()) else None


def _closure(audiences: Mapping[str, CustomAudience], first: CustomAudience) -> list[CustomAudience]:
    """Return an audience and all that it refers to, each once, also through a cycle."""
    found = {first.id: first}
    waiting = [first]
    while waiting:
        for reference in references(waiting.pop().definition):
            if isinstance(reference, Custom) and reference.id in audiences and reference.id not in found:
                found[reference.id] = audiences[reference.id]
                waiting.append(found[reference.id])
    return list(found.values())
