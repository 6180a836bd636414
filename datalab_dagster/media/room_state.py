"""The state of a room as scripts read it: its configuration, and what its JSON text says."""

from __future__ import annotations

import json
from typing import Any

from datalab_dagster.archv2.models import DataRoom
from datalab_dagster.media.errors import VersionMissing
from datalab_dagster.types import CollaborationType

MODEL_QUALITY_GROUP = "model.quality@decentriq.com"
"""The only member of a hidden group of the vendor's, which reads the quality of models."""


def content_of(data_room: DataRoom) -> dict[str, Any]:
    """Return the state of a room, which its description has as text."""
    content: dict[str, Any] = json.loads(data_room["signedContent"]["content"])
    return content


class DcrConfiguration:
    """The configuration of a room.

    Attributes:
        config: id, name, participants, collaboration types and matching id.

    Raises:
        VersionMissing: the state of the room has no version.
    """

    def __init__(self, dcr_id: str, data_room: DataRoom) -> None:
        content = content_of(data_room)
        if not content.get("version"):
            raise VersionMissing
        self.config: dict[str, Any] = {
            "id": dcr_id,
            "name": content["name"],
            "participants": content["participantGroups"],
            "collaboration_types": [CollaborationType[name].value for name in content["collaborationTypes"]],
            "matching_id_format": content["matchingIdType"],
            "matching_id_hashing_algorithm": None,
        }

    def model_dump_json(self) -> str:
        """Return the configuration as JSON, like pydantic's models."""
        return json.dumps(self.config, indent=2)

    def __str__(self) -> str:
        return self.model_dump_json()
