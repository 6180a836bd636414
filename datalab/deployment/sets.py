"""Sets of files that are there together or not at all: `_complete.json` is written last and names them."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from datalab.deployment.lab_objects import LabObjects
from datalab.storage.errors import EncryptedFileDamaged

COMPLETE = "_complete.json"


class StoredFile(BaseModel):
    """One file of a set, as it was stored; `rows` only for Parquet."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int
    rows: int | None = None


class Complete(BaseModel):
    """What a set consists of.

    Attributes:
        written: the name of the set.
        files: by name in the set.
    """

    format: Literal[1] = 1
    written: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    files: dict[str, StoredFile] = {}


class Sets:
    """The sets of a lab, one complete set per folder; the set that a run writes replaces the earlier one at its end."""

    def __init__(self, objects: LabObjects) -> None:
        self._objects = objects
        self._known: dict[str, Complete] = {}
        self._begun: dict[str, Complete] = {}

    def complete(self, folder: str) -> Complete | None:
        """Return the complete set of a folder.

        Raises:
            EncryptedFileDamaged: the document that names its files was changed.
        """
        if folder not in self._known:
            data = self._objects.get(f"{folder}/{COMPLETE}")
            if data is None:
                return None
            try:
                self._known[folder] = Complete.model_validate_json(data)
            except ValidationError:
                raise EncryptedFileDamaged(self._objects.shown(f"{folder}/{COMPLETE}")) from None
        return self._known[folder]

    def begun(self, folder: str) -> Complete:
        """Return the set of a folder that this run writes; the first call begins it."""
        return self._begun.setdefault(folder, Complete(written=secrets.token_hex(8)))

    def readable(self, folder: str) -> Complete | None:
        """Return the set that this run writes, or the complete one."""
        return self._begun.get(folder) or self.complete(folder)

    def end(self, folder: str) -> None:
        """Make the set that this run writes the complete one, and remove the others."""
        ended = self._begun.pop(folder)
        self._objects.put(f"{folder}/{COMPLETE}", ended.model_dump_json(exclude_none=True).encode())
        self._known[folder] = ended
        for entry in self._objects.list(folder).values():
            if entry.is_directory and entry.name != ended.written:
                self._objects.remove(f"{folder}/{entry.name}")
