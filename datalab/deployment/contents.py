"""A keyed hash of the content of each dataset, so that the same content is noticed when it is uploaded again.

Without the master key a hash shows nothing, not even to a person who has a candidate for the content.
"""

from __future__ import annotations

import hmac
import struct

from datalab.deployment.keyring import CONTENTS, unwrapped
from datalab.registry import Registry
from datalab.registry.contents import ContentKey
from datalab.storage import Key, KeyService
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import KeyMismatch, MasterKeyMissing

_FORM = b"datalab content 1\0"


class Contents:
    """The keyed hashes of the contents of a deployment's datasets."""

    def __init__(self, registry: Registry, keys: KeyService) -> None:
        self._registry = registry
        self._keys = keys

    def hash_of(self, digest: bytes, size: int) -> bytes | None:
        """Return the keyed hash of a content; None if its key was lost with an earlier master key.

        No rotation of the master key may happen meanwhile (`Keychain.wrapping`): the key is made at its first use.

        Args:
            digest: as `DatasetStore.upload` gives it.
            size: of the content, in bytes.
        """
        try:
            key = unwrapped(self._keys, self._kept, CONTENTS)
        except (MasterKeyMissing, KeyMismatch):
            return None
        content = _FORM + struct.pack(">QQ", size, CHUNK_BYTES) + digest
        return hmac.digest(key.derive("content", b"").material, content, "sha256")

    def _kept(self) -> ContentKey:
        if (kept := self._registry.contents.key()) is not None:
            return kept
        wrapped = self._keys.wrap(Key(), CONTENTS)
        return self._registry.contents.keep_key(wrapped.sealed, wrapped.master_id)
