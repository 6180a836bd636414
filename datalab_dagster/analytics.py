"""The vendor's Analytics DCRs, which are not offered: importing works, using a name explains why."""

from __future__ import annotations

from typing import Any

from datalab_dagster.elsewhere import not_offered


def __getattr__(name: str) -> Any:
    raise not_offered(__name__, name, "Analytics DCRs run in the vendor's clean room")
