"""Small documents that hold row values, such as validation reports, encrypted as a whole with a data key.

A document is `DLDOC001`, salt (16 bytes), nonce (12 bytes), cipher text, tag (16 bytes).
"""

from __future__ import annotations

import os
from pathlib import Path

from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.scratch import why
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.files import write_durably
from datalab.storage.keys import Key

_MAGIC = b"DLDOC001"
_SALT_BYTES = 16
_HEADER_BYTES = len(_MAGIC) + _SALT_BYTES


def encrypt_bytes(data: bytes, key: Key, context: str) -> bytes:
    """Return `data` encrypted; `context` identifies the document, so that no other can replace it.

    >>> key = Key()
    >>> decrypt_bytes(encrypt_bytes(b"report", key, "lab-1/segments"), key, "lab-1/segments")
    b'report'
    """
    salt = os.urandom(_SALT_BYTES)
    return _MAGIC + salt + key.derive("document", salt).seal(data, _bound(context))


def decrypt_bytes(data: bytes, key: Key, context: str) -> bytes:
    """Return the plain document.

    Raises:
        EncryptedFileDamaged: it was changed, or key or context are different.
    """
    plain = None
    if len(data) >= _HEADER_BYTES and data.startswith(_MAGIC):
        salt = data[len(_MAGIC) : _HEADER_BYTES]
        plain = key.derive("document", salt).unseal(data[_HEADER_BYTES:], _bound(context))
    if plain is None:
        raise EncryptedFileDamaged(context)
    return plain


def write_encrypted(path: Path, data: bytes, key: Key, context: str) -> None:
    """Write `data` encrypted to `path`, whole or not at all; only its owner may read it.

    Raises:
        OutputFailed: there is no room, or the place cannot be written to.
    """
    try:
        write_durably(path, encrypt_bytes(data, key, context))
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def read_encrypted(path: Path, key: Key, context: str) -> bytes:
    """Return the plain document of a file.

    Raises:
        InputMissing, InputUnreadable: there is no such file, or the disk fails.
        EncryptedFileDamaged: it was changed, or key or context are different.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputMissing(path) from None
    except OSError as error:
        raise InputUnreadable(path, why(error)) from None
    return decrypt_bytes(data, key, context)


def _bound(context: str) -> bytes:
    return f"datalab document 1\0{context}".encode()
