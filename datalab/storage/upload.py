"""One upload: reads the source chunk by chunk, stores encrypted chunks in parallel, and skips those already stored."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import BinaryIO

from datalab.errors import InputUnreadable, UsageError
from datalab.scratch import why
from datalab.storage.chunks import ChunkCipher, chunk_name, summary
from datalab.storage.errors import StoreUnreachable, UploadInterrupted
from datalab.storage.keys import NONCE_BYTES, Key
from datalab.storage.layout import BEGUN, MANIFEST_PREFIX, PARALLEL, dataset_path, upload_directory
from datalab.storage.manifest import Chunk, Labels, Manifest, hash_of
from datalab.storage.objects import Entry, Objects

Progress = Callable[[int], None]
Digested = Callable[[bytes], None]


def digest_of(pieces: Sequence[bytes]) -> bytes:
    """Return the digest of a content, given the SHA-256 of each of its pieces of the chunk size, in order."""
    return hashlib.sha256(b"".join(pieces)).digest()


def new_upload_id() -> str:
    """Return a random id for an upload; keep it with the wrapped key to be able to resume."""
    return secrets.token_hex(16)


def is_upload_id(text: str) -> bool:
    """Return whether `text` could be the id of an upload."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def size_of(source: BinaryIO) -> int | None:
    """Return the number of bytes from the current position to the end; None if it is not known beforehand."""
    try:
        if not source.seekable():
            return None
        position = source.tell()
        size = source.seek(0, io.SEEK_END) - position
        source.seek(position)
    except (OSError, AttributeError):
        return None
    return size


class Upload:
    """Stores the content of a source as the chunks of `upload_id`, and then its manifest."""

    def __init__(self, objects: Objects, key: Key, upload_id: str, chunk_size: int) -> None:
        if not is_upload_id(upload_id):
            raise UsageError("An upload id has 32 hex digits; make one with new_upload_id.")
        if chunk_size < 1:
            raise UsageError("The chunk size must be at least one byte.")
        self.upload_id = upload_id
        self._objects = objects
        self._key = key
        self._chunk_size = chunk_size
        self._cipher = ChunkCipher(key, upload_id, chunk_size)
        self._directory = upload_directory(upload_id)
        self._stored: dict[str, Entry] = {}
        self._candidates: dict[int, list[str]] = {}
        self._plain: dict[str, bytes] = {}
        """SHA-256 of a chunk → that of its plain text."""
        self._sent = 0

    def run(
        self,
        source: BinaryIO,
        labels: Labels,
        parallel: int = PARALLEL,
        progress: Progress | None = None,
        digested: Digested | None = None,
    ) -> str:
        """Store all chunks and then the manifest, and return its hash; `digested` as in `DatasetStore.upload`.

        Raises:
            UploadInterrupted: the store failed; run again with the same upload id to continue.
            InputUnreadable: the source failed.
        """
        resumable = size_of(source) is not None
        try:
            draft = self._store(source, parallel, progress)
            manifest_hash = self._publish(draft, labels)
            if digested:
                digested(digest_of([self._plain[chunk.sha256] for chunk in draft.chunks]))
            return manifest_hash
        except StoreUnreachable as error:
            reason = f"{error.reason}, {self._objects.where}"
            raise UploadInterrupted(self.upload_id, self._sent, reason, resumable=resumable) from None
        except OSError as error:
            raise InputUnreadable(labels.name, why(error)) from None

    def _store(self, source: BinaryIO, parallel: int, progress: Progress | None) -> Manifest:
        # Written again each time: its age protects chunks that a resumed upload is about to use from `sweep`.
        self._objects.put(f"{self._directory}/{BEGUN}", b"")
        self._list_chunks()
        size = 0
        chunks: list[Chunk] = []
        waiting: deque[tuple[int, Future[Chunk]]] = deque()

        def take() -> None:
            length, sending = waiting.popleft()
            chunks.append(sending.result())
            self._sent += 1
            if progress:
                progress(length)

        pool = ThreadPoolExecutor(max(1, parallel), thread_name_prefix="upload")
        try:
            for number, (plain, last) in enumerate(_pieces(source, self._chunk_size)):
                size += len(plain)
                waiting.append((len(plain), pool.submit(self._send, plain, number, last)))
                del plain
                if len(waiting) >= max(1, parallel):
                    take()
            while waiting:
                take()
        finally:
            pool.shutdown(cancel_futures=True)
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Manifest(upload=self.upload_id, created=created, chunk_size=self._chunk_size, size=size, chunks=chunks)

    def _publish(self, draft: Manifest, labels: Labels) -> str:
        # First stored with the chunks: an upload that is resumed after a crash publishes this one, not a second one.
        manifest = self._prepared(draft, labels) or self._prepare(draft, labels)
        manifest_hash = hash_of(manifest)
        self._objects.put(dataset_path(manifest_hash), manifest)
        return manifest_hash

    def _list_chunks(self) -> None:
        """Find the chunks that an earlier run of this upload stored."""
        self._stored = self._objects.list(self._directory)
        self._candidates = {}
        for stored in self._stored:
            number, dash, sha256 = stored.partition("-")
            if dash and number.isdigit():
                self._candidates.setdefault(int(number), []).append(sha256)

    def _send(self, plain: bytes | bytearray, number: int, last: bool) -> Chunk:
        """Store a chunk, unless it is stored, and keep the digest of its plain text."""
        digest = hashlib.sha256(plain).digest()
        for sha256 in self._candidates.get(number, []):
            # Encrypted under the nonce of the stored chunk, equal plain text has the same hash; nothing of a
            # different plain text leaves this function, so no nonce is used twice.
            nonce = self._objects.get(f"{self._directory}/{chunk_name(number, sha256)}", end=NONCE_BYTES)
            if nonce and len(nonce) == NONCE_BYTES:
                chunk = summary(self._cipher.encrypt(plain, number, last, nonce))
                if chunk.sha256 == sha256 and chunk.size == self._stored[chunk_name(number, sha256)].size:
                    self._plain[sha256] = digest
                    return chunk
        sealed = self._cipher.encrypt(plain, number, last)
        del plain
        chunk = summary(sealed)
        self._objects.put(f"{self._directory}/{chunk_name(number, chunk.sha256)}", sealed)
        self._plain[chunk.sha256] = digest
        return chunk

    def _prepared(self, draft: Manifest, labels: Labels) -> bytes | None:
        """Return the manifest that an earlier run of the same upload stored; None if it does not exist."""
        for stored in self._stored:
            data = self._objects.get(f"{self._directory}/{stored}") if stored.startswith(MANIFEST_PREFIX) else None
            if data is None or hash_of(data) != stored.removeprefix(MANIFEST_PREFIX):
                continue
            earlier = Manifest.model_validate_json(data)
            same = draft.model_copy(update={"created": earlier.created, "sealed": earlier.sealed})
            if earlier == same and earlier.labels(self._key, hash_of(data)) == labels:
                return data
        return None

    def _prepare(self, draft: Manifest, labels: Labels) -> bytes:
        stored = self._objects.list(self._directory)
        for number, chunk in enumerate(draft.chunks):
            entry = stored.get(chunk_name(number, chunk.sha256))
            if entry is None or entry.size != chunk.size:
                raise StoreUnreachable(self._objects.where, f"chunk {number} disappeared during the upload")
        data = draft.sealed_with(self._key, labels).to_bytes()
        self._objects.put(f"{self._directory}/{MANIFEST_PREFIX}{hash_of(data)}", data)
        return data


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Yield pieces of exactly `size` bytes, the last one up to `size`, each with whether it is the last one."""
    piece = _read(source, size)
    while True:
        following = _read(source, size) if len(piece) == size else b""
        yield piece, not following
        if not following:
            return
        piece = following


def _read(source: BinaryIO, size: int) -> bytes:
    piece = source.read(size)
    if len(piece) == size or not piece:
        return piece
    gathered = bytearray(piece)  # a raw file or a pipe may return less than requested
    while len(gathered) < size and (piece := source.read(size - len(gathered))):
        gathered += piece
    return bytes(gathered)
