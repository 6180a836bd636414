"""The part of the low-level client that concerns Media DCRs: your own deployment has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from datalab_dagster.archv2.errors import DataRoomUnknown, RoomNotCreated
from datalab_dagster.archv2.models import DataLabCompatibilityResponse, DataRoom, DataRoomAuditLog


class DataRooms:
    """Media DCRs in the vendor's dictionaries. A verification key is accepted and ignored."""

    def create_data_room(self, create_data_room: Mapping[str, Any], verification_key: bytes = b"") -> DataRoom:
        """Refuse to create a room.

        Raises:
            RoomNotCreated: always.
        """
        del create_data_room, verification_key
        raise RoomNotCreated

    def get_data_room(self, data_room_id: str, verification_key: bytes = b"") -> DataRoom:
        """Refuse to return a room.

        Raises:
            DataRoomUnknown: always.
        """
        del verification_key
        raise DataRoomUnknown(data_room_id)

    def get_data_room_audit_log(self, data_room_id: str, verification_key: bytes = b"") -> list[DataRoomAuditLog]:
        """Refuse to return the audit log of a room.

        Raises:
            DataRoomUnknown: always.
        """
        del verification_key
        raise DataRoomUnknown(data_room_id)

    def check_data_labs_compatibility(
        self, data_room_id: str, data_lab_ids: Iterable[str]
    ) -> DataLabCompatibilityResponse:
        """Refuse to compare labs with a room.

        Raises:
            DataRoomUnknown: always.
        """
        del data_lab_ids
        raise DataRoomUnknown(data_room_id)
