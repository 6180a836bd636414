"""Overlap, seed list and attributes: what a room says about its seed and its base (docs/spec/media.md#31-overlap)."""

from __future__ import annotations

from typing import Any

from datalab.media.base import ATTRIBUTES, BaseAudience
from datalab.media.counts import by_type, ids_by_type
from datalab.media.definitions import Operator
from datalab.media.privacy import ratio


def overlap_statistics(base: BaseAudience) -> dict[str, Any]:
    """Return the document overlap.json."""
    room = base.room
    published = room.privacy.audience
    sizes = list(map(published, by_type(base, "seed_sizes")))
    found = list(map(published, by_type(base, "found_ids")))
    ids = {name: list(map(published, counts)) for name, counts in ids_by_type(base).items()}
    entries = []
    for number, audience_type in enumerate(base.seed_types):
        entry: dict[str, Any] = {
            "audience_type": audience_type,
            "advertiser_size": sizes[number],
            "advertiser_is_empty": sizes[number] == 0,
            "overlap_size": found[number],
            "match_rate": _match_rate(found[number], sizes[number]) if room.dcr.show_match_rate else None,
            "num_activation_ids_in_overlap": {name: counts[number] for name, counts in ids.items()},
        }
        if room.hides_counts:
            entry |= dict.fromkeys(("advertiser_size", "overlap_size", "num_activation_ids_in_overlap"))
        entries.append(entry)
    return {"overlap_statistics": entries}


def _match_rate(overlap_size: int, advertiser_size: int) -> float:
    """Return the rate of two rounded numbers."""
    return min(1.0, ratio(overlap_size, advertiser_size)) if advertiser_size else 0.0


def seed_audiences(overlap: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list of seed audiences, from the overlap (docs/spec/media.md#33-attributes-seed-list-custom-list)."""
    return [
        {
            "kind": "SEED",
            "audienceType": entry["audience_type"],
            "audienceSize": entry["advertiser_size"],
            "isEmpty": entry["advertiser_is_empty"],
        }
        for entry in overlap["overlap_statistics"]
    ]


def attributes(base: BaseAudience) -> dict[str, Any]:
    """Return the document attributes.json: what filters may ask for."""
    return {
        "attributes": {
            name: {
                "values": list(values),
                "value_type": ATTRIBUTES[name].value_type,
                "filters": sorted(
                    operator.value for operator in Operator if operator is not Operator.ALL or ATTRIBUTES[name].is_set
                ),
            }
            for name, values in base.names.items()
        }
    }
