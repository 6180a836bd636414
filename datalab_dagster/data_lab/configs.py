"""The configuration of an identifier; its rules are in the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datalab_dagster.types import IdType

__all__ = ["IdType", "IdentifiersConfig"]


@dataclass
class IdentifiersConfig:
    """One identifier of a lab.

    Attributes:
        id_name: exactly as in the data's `idName` column; one identifier is named ``userId``.
        id_type: decides which values are valid.
        is_matching_id: whether users are matched with advertisers by it.
        is_activation_id: whether audiences are activated by it.
    """

    id_name: str
    id_type: IdType
    is_matching_id: bool
    is_activation_id: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it in wire keys.

        >>> IdentifiersConfig("hem", IdType.HASHED_EMAIL, True, False).to_dict()["idType"]
        'HASHED_EMAIL'
        """
        return {
            "idName": self.id_name,
            "idType": self.id_type.value,
            "isMatchingId": self.is_matching_id,
            "isActivationId": self.is_activation_id,
        }
