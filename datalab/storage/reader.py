"""Reads one stored dataset, decrypted and checked chunk by chunk, without a plain copy on disk."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict, deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from datalab.storage.chunks import OVERHEAD, ChunkCipher, chunk_name
from datalab.storage.errors import ChunkDamaged, DatasetNotFound
from datalab.storage.layout import PARALLEL, dataset_path, upload_directory
from datalab.storage.manifest import Manifest
from datalab.storage.objects import Objects

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_KEPT_CHUNKS = 3


class StoredChunks:
    """The plain chunks of a dataset, each one verified; threads may share it."""

    def __init__(self, objects: Objects, manifest: Manifest, manifest_hash: str, cipher: ChunkCipher) -> None:
        self.manifest = manifest
        self._objects = objects
        self._hash = manifest_hash
        self._cipher = cipher

    def __len__(self) -> int:
        return len(self.manifest.chunks)

    def fetch(self, number: int) -> bytes:
        """Return the plain text of chunk `number`.

        Raises:
            ChunkDamaged: it is missing or was changed.
            DatasetNotFound: the dataset was deleted in the meantime.
        """
        expected = self.manifest.chunks[number]
        sealed = self._objects.get(f"{upload_directory(self.manifest.upload)}/{chunk_name(number, expected.sha256)}")
        if sealed is None:
            if not self._objects.exists(dataset_path(self._hash)):
                raise DatasetNotFound(self._hash)
            raise self._damaged(number, "is missing")
        if len(sealed) != expected.size:
            raise self._damaged(number, f"has {len(sealed)} bytes instead of {expected.size}")
        if hashlib.sha256(sealed).hexdigest() != expected.sha256:
            raise self._damaged(number, "was changed")
        plain = self._cipher.decrypt(sealed, number, last=number == len(self) - 1)
        if plain is None:
            raise self._damaged(number, "belongs to another place or dataset")
        return plain

    def stream(self, parallel: int = PARALLEL) -> Generator[bytes, None, None]:
        """Yield all chunks in order; a few are fetched ahead."""
        waiting: deque[Future[bytes]] = deque()
        pool = ThreadPoolExecutor(max(1, parallel), thread_name_prefix="download")
        try:
            for number in range(len(self)):
                waiting.append(pool.submit(self.fetch, number))
                if len(waiting) > parallel:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # see DatasetReader.close

    def _damaged(self, number: int, reason: str) -> ChunkDamaged:
        return ChunkDamaged(self._hash, number, len(self), reason)

    def check_layout(self) -> None:
        """Check that the sizes of all chunks add up to the size of the dataset.

        Raises:
            ChunkDamaged: one of them has a size that does not fit.
        """
        left = self.manifest.size
        for number, chunk in enumerate(self.manifest.chunks):
            expected = min(left, self.manifest.chunk_size)
            if chunk.size != expected + OVERHEAD:
                raise self._damaged(number, "does not fit the layout of the dataset")
            left -= expected
        if left:
            raise self._damaged(len(self) - 1, "is not the last one")


class DatasetReader(io.RawIOBase):
    """The plain bytes of a dataset as a file: seekable, three chunks in memory, the next one fetched ahead.

    Reading a damaged chunk raises `ChunkDamaged`. One thread may use it at a time.
    """

    def __init__(self, chunks: StoredChunks) -> None:
        super().__init__()
        self.size = chunks.manifest.size
        self._chunks = chunks
        self._step = chunks.manifest.chunk_size
        self._position = 0
        self._latest = -1
        self._fetched: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="read")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check_open()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}.get(whence)
        if start is None or start + offset < 0:
            raise ValueError("invalid seek")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._check_open()
        with memoryview(buffer) as raw, raw.cast("B") as room:
            if self._position >= self.size or not room:
                # An empty dataset has one chunk, whose tag says that it is empty.
                if not self.size and room:
                    self._chunk(0)
                return 0
            number, start = divmod(self._position, self._step)
            chunk = self._chunk(number)
            count = min(len(room), len(chunk) - start)
            with memoryview(chunk) as plain:
                room[:count] = plain[start : start + count]
        self._position += count
        return count

    def close(self) -> None:
        # Never waits for its threads: the garbage collector may close an unused reader inside the locks of
        # `threading`.
        if not self.closed:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._fetched.clear()
        super().close()

    def _chunk(self, number: int) -> bytes:
        fetched = self._want(number)
        if number == self._latest + 1 and number + 1 < len(self._chunks):
            self._want(number + 1)
        self._latest = number
        while len(self._fetched) > _KEPT_CHUNKS:
            self._fetched.popitem(last=False)[1].cancel()
        try:
            return fetched.result()
        except BaseException:
            self._fetched.pop(number, None)  # the next call tries again
            raise

    def _want(self, number: int) -> Future[bytes]:
        if number not in self._fetched:
            self._fetched[number] = self._pool.submit(self._chunks.fetch, number)
        self._fetched.move_to_end(number)
        return self._fetched[number]

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
