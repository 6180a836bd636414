"""The manifest of a dataset: its chunks, as JSON whose SHA-256 is the dataset's id; it reads no store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from datalab.storage.errors import KeyMismatch, ManifestDamaged
from datalab.storage.keys import Key

FORMAT = "datalab-dataset"
VERSION = 1

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Chunk(_Model):
    """One encrypted chunk: its bytes in the store, and their SHA-256."""

    size: Annotated[int, Field(ge=28)]
    sha256: Hex64


class Labels(_Model):
    """The name and description of a dataset, which are encrypted because they are confidential."""

    name: str
    description: str = ""


class Manifest(_Model):
    """The chunks of a dataset; everything except `sealed` can be read without the key.

    Attributes:
        upload: the random id of the upload that its chunks are stored under and bound to.
        size: bytes of the plain text.
        sealed: base64 of the encrypted `Labels`, bound to all other fields.
    """

    format: str = FORMAT
    version: int = VERSION
    upload: Hex32
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    chunk_size: Annotated[int, Field(ge=1)]
    size: Annotated[int, Field(ge=0)]
    chunks: list[Chunk]
    sealed: str = ""

    def sealed_with(self, key: Key, labels: Labels) -> Self:
        """Return this manifest with `labels` encrypted in it, which also authenticates the rest."""
        box = self._box(key).seal(_canonical(labels), self._rest())
        return self.model_copy(update={"sealed": base64.b64encode(box).decode()})

    def labels(self, key: Key, manifest_hash: str) -> Labels:
        """Return the decrypted labels.

        Raises:
            KeyMismatch: `key` is not the one of this dataset.
        """
        try:
            plain = self._box(key).unseal(base64.b64decode(self.sealed, validate=True), self._rest())
        except binascii.Error:
            plain = None
        if plain is None:
            raise KeyMismatch(f"dataset {manifest_hash}")
        return Labels.model_validate_json(plain)

    def to_bytes(self) -> bytes:
        """Return the stored JSON; its SHA-256 is the manifest hash."""
        return _canonical(self)

    def _box(self, key: Key) -> Key:
        return key.derive("manifest", bytes.fromhex(self.upload))

    def _rest(self) -> bytes:
        return _canonical(self.model_copy(update={"sealed": ""}))


@dataclass(frozen=True, slots=True)
class DatasetDescription:
    """The description of a dataset; `name` and `description` are None without its key.

    Attributes:
        size: bytes of the plain text.
        chunks: how many chunks it has.
    """

    manifest_hash: str
    size: int
    created: datetime
    chunks: int
    name: str | None = None
    description: str | None = None


def is_hash(text: str) -> bool:
    """Return whether `text` could be a manifest hash."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def hash_of(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()


def parse(data: bytes, manifest_hash: str) -> Manifest:
    """Return the manifest that `manifest_hash` names.

    Raises:
        ManifestDamaged: it has another hash, or a form that this version does not know.
    """
    if hash_of(data) != manifest_hash:
        raise ManifestDamaged(manifest_hash, "was changed")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError:
        raise ManifestDamaged(manifest_hash, "has a form that this version does not know") from None
    if (manifest.format, manifest.version) != (FORMAT, VERSION) or not manifest.chunks:
        raise ManifestDamaged(manifest_hash, "has a form that this version does not know")
    return manifest


def _canonical(model: _Model) -> bytes:
    plain = model.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
