"""What labs share with the vendor's admins, over the HTTP API of a deployment."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import TypeAdapter

from datalab.results.files import SHARED
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.models import SharedLab

_LABS = TypeAdapter(list[SharedLab])


class HttpSharedLabs:
    """The labs that share their aggregates with the user of a connection; see `SharedLabs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[SharedLab]:
        return _LABS.validate_python(self._connection.json("GET", "/shared/labs"))

    def file(self, lab_id: str, name: str) -> bytes:
        if name not in SHARED:
            raise ResultNotFound(lab_id, f"shared file '{name}'")
        return self._connection.content("GET", f"/shared/labs/{quote(lab_id, safe='')}/{name}")
