"""The part of the vendor's `media` that concerns Data Labs: collaboration types. Media DCRs run at the vendor."""

# ruff: noqa: UP042 - as at the vendor's; a StrEnum would print its value
from __future__ import annotations

from enum import Enum
from typing import Any

from datalab_dagster.elsewhere import not_offered
from datalab_dagster.types import IdType, MatchingId

__all__ = ["CollaborationType", "IdType", "MatchingId"]


class CollaborationType(str, Enum):
    """The uses of a lab in Media DCRs; OVERLAP is always on. In JSON, a type has the name of its member."""

    INSIGHTS = "ENABLE_INSIGHTS"
    LOOKALIKE = "ENABLE_LOOKALIKE_AUDIENCES"
    OVERLAP = "ENABLE_OVERLAP"
    REMARKETING = "ENABLE_REMARKETING"
    EXCLUSION_TARGETING = "ENABLE_EXCLUSION_TARGETING"
    RULE_BASED = "ENABLE_RULED_BASED_AUDIENCES"


def __getattr__(name: str) -> Any:
    raise not_offered(__name__, name, "Media DCRs run in the vendor's clean room")
