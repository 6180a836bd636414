"""Uploads over HTTP: part by part and resumed where the size is known, in one request where it is not."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

from datalab.errors import InputChanged, InputUnreadable
from datalab.registry import KeyRole
from datalab.scratch import why
from datalab.storage import Key
from datalab.storage.errors import PartMissing, PartsDiffer, StoreUnreachable, UploadInterrupted
from datalab_dagster.service.errors import ServiceUnreachable
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.protocol import Progress

PARALLEL = 4
PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a part is sent again; after the last one the upload is interrupted."""
_PIECE = 1024**2
_PASSING = (ServiceUnreachable, StoreUnreachable)


def upload_by_parts(
    connection: Connection,
    source: BinaryIO,
    facts: Mapping[str, Any],
    *,
    key: Key | None,
    access: Mapping[str, KeyRole] | None,
    progress: Progress | None,
) -> Any:
    """Send `source` part by part, those only that are not there yet, and return the dataset's description.

    Raises:
        UploadInterrupted: the connection or the store failed; the same call goes on where it stopped.
        InputUnreadable, InputChanged: the source failed, or is no longer as long as it was.
    """
    body = dict(facts) | {"access": _plain(access), "key": key.to_text() if key else None}
    upload = connection.json("POST", "/uploads", json=body)
    sending = _Sending(connection, upload, str(facts["name"]), int(facts["size"]))
    try:
        sending.run(source, progress)
        known = {"sha256": sending.digest.hexdigest()}
        return sending.patiently(lambda: connection.json("POST", f"{sending.path}/complete", json=known))
    except _PASSING as error:
        reason = error.reason if isinstance(error, StoreUnreachable) else "the connection broke"
        raise UploadInterrupted(sending.upload_id, sending.sent, reason or "the store failed") from None
    except (PartMissing, PartsDiffer):  # the same call compares all parts, and sends those that are not ours
        raise UploadInterrupted(sending.upload_id, sending.sent, "somebody sends another file like it") from None
    except OSError as error:
        raise InputUnreadable(str(facts["name"]), why(error)) from None


def upload_in_one(
    connection: Connection,
    source: BinaryIO,
    facts: Mapping[str, Any],
    *,
    key: Key | None,
    access: Mapping[str, KeyRole] | None,
    progress: Progress | None,
) -> Any:
    """Send a source of unknown size in one request, and return the dataset's description; it cannot be resumed."""
    params: dict[str, Any] = dict(facts)
    for role, name in ((KeyRole.OWNER, "owner"), (KeyRole.USER, "user")):
        params[name] = [user for user, given in (access or {}).items() if given == role]
    headers = {"Content-Type": "application/octet-stream"} | ({"X-Dataset-Key": key.to_text()} if key else {})
    try:
        pieces = _pieces(source, progress)
        return connection.json("PUT", "/datasets", params=params, headers=headers, content=pieces)
    except OSError as error:
        raise InputUnreadable(str(facts["name"]), why(error)) from None


class _Sending:
    """One upload by parts: what is there already is compared, the rest is sent, a few parts at a time."""

    def __init__(self, connection: Connection, upload: Mapping[str, Any], name: str, size: int) -> None:
        self._connection = connection
        self._name = name
        self._size = size
        self._part_size = int(upload["partSize"])
        self._stored = [(first, last) for first, last in upload["stored"]]
        self.upload_id = str(upload["uploadId"])
        self.path = f"/uploads/{self.upload_id}"
        self.sent = 0
        self.digest = hashlib.sha256()
        """Of the digests of all parts."""

    def run(self, source: BinaryIO, progress: Progress | None) -> None:
        waiting: deque[Future[int]] = deque()

        def take() -> None:
            length = waiting.popleft().result()
            self.sent += 1
            if progress:
                progress(length)

        pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload")
        try:
            for number in range(max(1, -(-self._size // self._part_size))):
                part = self._read(source, number)
                sha256 = hashlib.sha256(part)
                self.digest.update(sha256.digest())
                waiting.append(pool.submit(self._send, number, part, sha256.hexdigest()))
                del part
                if len(waiting) > PARALLEL:
                    take()
            while waiting:
                take()
        finally:
            pool.shutdown(cancel_futures=True)

    def patiently(self, ask: Any) -> Any:
        """Return what `ask` gets, asked again after pauses when the connection or the store fails."""
        for pause in PAUSES:
            try:
                return ask()
            except _PASSING:
                time.sleep(pause)
        return ask()

    def _send(self, number: int, part: bytes, sha256: str) -> int:
        path = f"{self.path}/parts/{number}"
        if not (any(first <= number <= last for first, last in self._stored) and self._is_there(path, sha256)):
            headers = {"Content-Type": "application/octet-stream"}
            self.patiently(lambda: self._connection.json("PUT", path, content=part, headers=headers))
        return len(part)

    def _is_there(self, path: str, sha256: str) -> bool:
        """Whether the stored part is this one: the file may have become another one since."""
        try:
            stored = self.patiently(lambda: self._connection.json("GET", path))
        except PartMissing:
            return False
        return bool(stored["sha256"] == sha256)

    def _read(self, source: BinaryIO, number: int) -> bytes:
        expected = min(self._part_size, self._size - number * self._part_size)
        part = bytearray()
        while len(part) < expected and (piece := source.read(expected - len(part))):
            part += piece
        if len(part) < expected:
            raise InputChanged(self._name)
        return bytes(part)


def _pieces(source: BinaryIO, progress: Progress | None) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece
        if progress:
            progress(len(piece))


def _plain(access: Mapping[str, KeyRole] | None) -> dict[str, str] | None:
    return None if access is None else {user: KeyRole(role).value for user, role in access.items()}
