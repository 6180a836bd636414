"""Streams of a deployment as raw streams, which the vendor's signatures require. This module decrypts nothing."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class RawStream(io.RawIOBase):
    """A readable binary stream as a raw stream; closing it closes the original."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        content = self._source.read(len(view))
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class RawBytes(RawStream):
    """Bytes as a raw stream."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
