"""The vendor's module of its first Data Labs; here every lab is a current one, so these are the current names."""

from __future__ import annotations

from typing import Any

from datalab_dagster.client import Client, create_client
from datalab_dagster.data_lab.builder import DataLabBuilder
from datalab_dagster.elsewhere import not_offered
from datalab_dagster.legacy import data_lab
from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabDatasetType

__all__ = ["Client", "DataLabBuilder", "DataLabDatasetType", "Key", "create_client", "data_lab"]


def __getattr__(name: str) -> Any:
    raise not_offered(__name__, name, "data clean rooms run at the vendor's")
