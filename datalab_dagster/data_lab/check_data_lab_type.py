"""The generation of a lab: the vendor has two, your own deployment has one."""

from __future__ import annotations

from enum import Enum

from datalab_dagster.client import Client


class DataLabType(Enum):
    """The vendor's two generations of labs."""

    ARCHV2 = "archv2"
    LEGACY = "legacy"


def get_data_lab_type(client: Client, data_lab_id: str) -> DataLabType:
    """Return ARCHV2 for a lab that exists.

    Raises:
        LabUnknown: there is none.
    """
    client.client_v2.get_data_lab(data_lab_id)
    return DataLabType.ARCHV2
