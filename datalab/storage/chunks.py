"""Encrypts and decrypts the chunks of one upload. This module does not know where they are stored.

A chunk is nonce (12 bytes), cipher text, tag (16 bytes): AES-256-GCM under a key that is derived for this upload.
Its number, whether it is the last one, the chunk size and the upload are bound to it, so every exchange,
reordering, omission or truncation of chunks is detected.
"""

from __future__ import annotations

import hashlib
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datalab.storage.keys import NONCE_BYTES, TAG_BYTES, Key
from datalab.storage.manifest import Chunk

CHUNK_BYTES = 8 * 1024**2
OVERHEAD = NONCE_BYTES + TAG_BYTES


class ChunkCipher:
    """Encrypts and decrypts chunks of at most `chunk_size` bytes that belong to `upload_id`; threads may share it."""

    def __init__(self, key: Key, upload_id: str, chunk_size: int) -> None:
        upload = bytes.fromhex(upload_id)
        self._cipher = AESGCM(key.derive("chunks", upload).material)
        self._bound = b"datalab chunk 1\0" + upload + struct.pack(">Q", chunk_size)

    def encrypt(self, plain: bytes | bytearray, number: int, last: bool, nonce: bytes | None = None) -> bytearray:
        """Return an encrypted chunk; pass `nonce` only to check whether this chunk is already stored."""
        sealed = bytearray(len(plain) + OVERHEAD)
        sealed[:NONCE_BYTES] = nonce or os.urandom(NONCE_BYTES)
        nonce = bytes(sealed[:NONCE_BYTES])
        with memoryview(sealed) as whole, whole[NONCE_BYTES:] as room:
            self._cipher.encrypt_into(nonce, plain, self._associated(number, last), room)
        return sealed

    def decrypt(self, sealed: bytes, number: int, last: bool) -> bytes | None:
        """Return the plain text, or None if a bit was changed or the chunk belongs elsewhere."""
        if len(sealed) < OVERHEAD:
            return None
        with memoryview(sealed) as whole, whole[NONCE_BYTES:] as box:
            try:
                return self._cipher.decrypt(sealed[:NONCE_BYTES], box, self._associated(number, last))
            except InvalidTag:
                return None

    def _associated(self, number: int, last: bool) -> bytes:
        return self._bound + struct.pack(">Q?", number, last)


def summary(sealed: bytes | bytearray) -> Chunk:
    """Return the manifest's entry of an encrypted chunk."""
    return Chunk(size=len(sealed), sha256=hashlib.sha256(sealed).hexdigest())


def chunk_name(number: int, sha256: str) -> str:
    """Return the name of a chunk in the store; it contains a hash of the content, so a chunk is never overwritten.

    >>> chunk_name(3, "ab")
    '00000003-ab'
    """
    return f"{number:08d}-{sha256}"
