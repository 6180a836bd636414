"""The vendor's connectors to its platform, which are not offered: importing works, using a name explains why."""

from __future__ import annotations

from typing import Any

from datalab_dagster.elsewhere import not_offered


def __getattr__(name: str) -> Any:
    raise not_offered(
        __name__, name, "connectors import into the vendor's platform; here files are read from their own storage"
    )
