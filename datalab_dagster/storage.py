"""The key that encrypts datasets, where the vendor's scripts look for it."""

from __future__ import annotations

from datalab.storage import keys
from datalab.storage.errors import StorageError

__all__ = ["InvalidKeyLength", "Key"]


class InvalidKeyLength(StorageError):
    def __init__(self) -> None:
        super().__init__("Invalid key length, must be 32 bytes")


class Key(keys.Key):
    """32 bytes that encrypt datasets; random unless given. Neither printed nor pickled.

    Raises:
        InvalidKeyLength: `material` is not 32 bytes long.

    >>> Key(b"short")
    Traceback (most recent call last):
    datalab_dagster.storage.InvalidKeyLength: Invalid key length, must be 32 bytes
    """

    __slots__ = ()

    def __init__(self, material: bytes | None = None) -> None:
        if material is not None and len(material) != keys.KEY_BYTES:
            raise InvalidKeyLength
        super().__init__(material)
