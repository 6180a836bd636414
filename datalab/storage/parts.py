"""An upload whose parts arrive one by one, in any order and perhaps twice: part n becomes chunk n of the same format.

This module does not know who may send parts, or how they are sent.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from datalab.storage.chunks import CHUNK_BYTES, OVERHEAD, chunk_name
from datalab.storage.errors import PartMissing, PartsDiffer, PartSizeWrong, PartUnknown
from datalab.storage.keys import Key
from datalab.storage.layout import BEGUN
from datalab.storage.manifest import Chunk, Labels, Manifest
from datalab.storage.objects import Entry, Objects
from datalab.storage.upload import Digested, Upload, digest_of

_LOCKS = 16


class PartUpload(Upload):
    """The parts of `upload_id`, `size` bytes in all; threads may share it.

    Every part except the last has `chunk_size` bytes; an empty upload has one empty part. Other processes may store
    chunks at the same time: `publish` reads which chunks exist.
    """

    def __init__(self, objects: Objects, key: Key, upload_id: str, size: int, chunk_size: int = CHUNK_BYTES) -> None:
        super().__init__(objects, key, upload_id, chunk_size)
        self.size = size
        self.count = max(1, -(-size // chunk_size))
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._listing = threading.Lock()
        self._listed = False
        self._meant: dict[int, str] = {}
        """The chunk that was stored last under a number; there may be others with that number."""

    def length_of(self, number: int) -> int:
        """Return the size of a part in bytes.

        Raises:
            PartUnknown: there is no such part.
        """
        if not 0 <= number < self.count:
            raise PartUnknown(number, self.count)
        return min(self._chunk_size, self.size - number * self._chunk_size)

    def put(self, number: int, plain: bytes | bytearray) -> None:
        """Store a part; it replaces an earlier one with its number, unless it is the same.

        Raises:
            PartUnknown, PartSizeWrong: the upload has no such part.
            StoreUnreachable: it was not stored.
        """
        expected = self.length_of(number)
        if len(plain) != expected:
            raise PartSizeWrong(number, len(plain), expected)
        self._list_once()
        with self._locks[number % _LOCKS]:
            chunk = self._send(plain, number, number == self.count - 1)
            # The replaced chunk is not deleted: another process may be about to publish it.
            known = self._candidates.setdefault(number, [])
            if chunk.sha256 not in known:
                known.append(chunk.sha256)
            name = chunk_name(number, chunk.sha256)
            self._stored[name] = Entry(name, chunk.size, None, False)
            self._meant[number] = chunk.sha256

    def stored(self) -> list[int]:
        """Return the numbers of the stored parts, in order."""
        return sorted(self._found())

    def digest(self, number: int) -> str | None:
        """Return the SHA-256 of the plain text of a stored part; None if it is missing or damaged."""
        self._list_once()
        known = self._candidates.get(number, [])
        sha256 = known[0] if len(known) == 1 else self._meant.get(number)
        found = self._plain_digest(number, sha256) if sha256 else None
        return found.hex() if found else None

    def begin(self) -> None:
        """Prevent `sweep` from removing the upload for a day."""
        self._objects.put(f"{self._directory}/{BEGUN}", b"")

    def publish(
        self, name: str, description: str = "", expected: str | None = None, digested: Digested | None = None
    ) -> str:
        """Make a dataset of the parts and return its manifest hash; a second call returns the same one.

        Args:
            expected: SHA-256 of the sender's SHA-256 digests of all parts, in order.
            digested: called at the end with that of the stored parts, unless one of them is damaged.

        Raises:
            PartMissing, PartsDiffer: parts are missing, or not the expected ones; nothing was published.
            StoreUnreachable: nothing was published.
        """
        self.begin()
        self._list_once()
        found = self._found()
        if len(found) < self.count:
            raise PartMissing(self.upload_id, [n for n in range(self.count) if n not in found], self.count)
        digest = self._digest_of_all(found) if digested or expected is not None else None
        if expected is not None and (digest is None or digest.hex() != expected):
            raise PartsDiffer(self.upload_id)
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        chunks = [found[number] for number in range(self.count)]
        draft = Manifest(
            upload=self.upload_id, created=created, chunk_size=self._chunk_size, size=self.size, chunks=chunks
        )
        manifest_hash = self._publish(draft, Labels(name=name, description=description))
        if digested and digest:
            digested(digest)
        return manifest_hash

    def abandon(self) -> None:
        """Remove all parts."""
        self._objects.delete_directory(self._directory)

    def _digest_of_all(self, found: Mapping[int, Chunk]) -> bytes | None:
        """Return the digest of all digests; None if a part is damaged. Parts that this object stored are not read."""
        digests = [self._plain_digest(number, found[number].sha256) for number in range(self.count)]
        known = [digest for digest in digests if digest is not None]
        return digest_of(known) if len(known) == self.count else None

    def _plain_digest(self, number: int, sha256: str) -> bytes | None:
        if sha256 not in self._plain:
            sealed = self._objects.get(f"{self._directory}/{chunk_name(number, sha256)}")
            plain = self._cipher.decrypt(sealed, number, number == self.count - 1) if sealed else None
            if plain is None:
                return None
            self._plain[sha256] = hashlib.sha256(plain).digest()
        return self._plain[sha256]

    def _list_once(self) -> None:
        """List the stored parts: once, because a listing per part would make long uploads quadratic."""
        with self._listing:
            if not self._listed:
                self._list_chunks()
                self._listed = True

    def _found(self) -> dict[int, Chunk]:
        """Return the stored chunk of every number, of the right size.

        Two chunks under one number are left by a broken connection or by two senders: the one that was stored last
        counts. If this object stored neither of them, the part counts as missing and is sent again.
        """
        found: dict[int, list[Chunk]] = {}
        stored = self._objects.list(self._directory)
        self._stored.update(stored)
        for name, entry in stored.items():
            number, dash, sha256 = name.partition("-")
            if not (dash and number.isdigit() and int(number) < self.count and len(sha256) == 64):
                continue
            if entry.size == self.length_of(int(number)) + OVERHEAD:
                found.setdefault(int(number), []).append(Chunk(size=entry.size, sha256=sha256))
        meant = {
            number: [chunk for chunk in chunks if len(chunks) == 1 or chunk.sha256 == self._meant.get(number)]
            for number, chunks in found.items()
        }
        return {number: chunks[0] for number, chunks in meant.items() if chunks}
