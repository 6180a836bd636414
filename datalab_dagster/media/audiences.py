"""The audiences of a room, found by type or name, and how an audience is referred to."""

from __future__ import annotations

import builtins
from typing import TypeVar

from datalab_dagster.media.api import AudienceReference1, CustomAudience, SeedAudience
from datalab_dagster.media.errors import AudienceAmbiguous, AudienceMissing, NotAnAudience

AudienceType = SeedAudience | CustomAudience
Found = TypeVar("Found", SeedAudience, CustomAudience)


class Audiences:
    """The audiences that a participant may see."""

    def __init__(self, audiences: builtins.list[AudienceType]) -> None:
        self.audiences = audiences

    def list(self) -> builtins.list[AudienceType]:
        """Return all audiences."""
        return self.audiences

    def get_seed_audience(self, audience_type: str) -> SeedAudience:
        """Return the seed audience of a type.

        Raises:
            AudienceMissing, AudienceAmbiguous: there is none, or more than one.
        """
        found = [one for one in self.audiences if isinstance(one, SeedAudience) and one.audienceType == audience_type]
        return _only(found, "seed", f"type {audience_type}")

    def get_custom_audience(self, name: str) -> CustomAudience:
        """Return the custom audience with a name; names may repeat.

        Raises:
            AudienceMissing, AudienceAmbiguous: there is none, or more than one.
        """
        found = [one for one in self.audiences if isinstance(one, CustomAudience) and one.name == name]
        return _only(found, "custom", f"name {name}")

    def is_lookalike_audience(audience: AudienceType) -> bool:  # type: ignore[misc]  # noqa: N805 - as at the vendor's
        """Return whether an audience is a lookalike. Call it on the class: it has no `self`.

        Raises:
            NotAnAudience: it is no audience.
        """
        match audience:
            case CustomAudience():
                return audience.definition.kind == "LOOKALIKE"
            case SeedAudience():
                return False
        raise NotAnAudience(audience)


def _only(found: builtins.list[Found], which: str, wanted: str) -> Found:
    if not found:
        raise AudienceMissing(f"{which} audience found with {wanted}")
    if len(found) > 1:
        raise AudienceAmbiguous(f"{which} audiences found with {wanted}")
    return found[0]


def reference_of(audience: object) -> dict[str, str] | None:
    """Return the reference to an audience in wire keys; None: it is no audience.

    >>> reference_of(AudienceReference1(kind="BASE"))
    {'kind': 'BASE'}
    """
    match audience:
        case SeedAudience():
            return {"kind": "SEED", "audienceType": audience.audienceType}
        case CustomAudience():
            return {"kind": "CUSTOM", "id": audience.id}
        case AudienceReference1():
            return {"kind": "BASE"}
    return None
