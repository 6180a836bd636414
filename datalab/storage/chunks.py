"""Encrypts and decrypts the chunks of one upload; where they lie is not known here.

A chunk is nonce (12 bytes), cipher text, tag (16 bytes): AES-256-GCM under a key that is derived for this upload.
Its number, whether it is the last one, the chunk size and the upload are bound to it, so chunks can be neither
exchanged, reordered, left out nor cut off unnoticed.
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
        """Return an encrypted chunk; a given `nonce` is only for finding out whether this chunk is stored already."""
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
    """Return what the manifest says about an encrypted chunk."""
    return Chunk(size=len(sealed), sha256=hashlib.sha256(sealed).hexdigest())


def chunk_name(number: int, sha256: str) -> str:
    """Return what a chunk is called in the store; its content is part of the name, so it is never overwritten.

    >>> chunk_name(3, "ab")
    '00000003-ab'
    """
    return f"{number:08d}-{sha256}"
