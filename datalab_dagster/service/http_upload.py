"""Uploads over HTTP: in parts and resumed if the size is known, in one request if it is not."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar

from datalab.deployment.errors import NotADataset
from datalab.errors import DatalabError, InputChanged, InputUnreadable
from datalab.registry import KeyRole
from datalab.registry.errors import UploadNotFound
from datalab.scratch import why
from datalab.storage import Key
from datalab.storage.errors import PartMissing, PartsDiffer, PartUnknown, StoreUnreachable, UploadInterrupted
from datalab_dagster.service.errors import ServiceUnreachable
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.http_errors import TooManyUploads
from datalab_dagster.service.models import DatasetInfo, PartInfo, PartStored, UploadInfo
from datalab_dagster.service.protocol import Progress
from datalab_dagster.service.uploads_protocol import Uploads

Answer = TypeVar("Answer")

PARALLEL = 4
PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a part is sent again; after the last one the upload is interrupted."""
_PIECE = 1024**2
_CREATED = 201
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_PASSING = (ServiceUnreachable, StoreUnreachable)
LONGEST_WAIT = 600.0
"""Seconds that a request waits in all while the deployment stores other uploads."""
_REPEATABLE = 8 * _PIECE
"""A source of unknown size up to this one is sent again if it is refused; a longer one is gone by then."""


class HttpUploads:
    """The user's unfinished uploads by parts, over HTTP."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(
        self,
        name: str,
        size: int,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> tuple[UploadInfo, bool]:
        wanted = {
            "name": name,
            "description": description,
            "usage": usage,
            "storeKey": store_key,
            "size": size,
            "access": _plain(access),
            "key": key.to_text() if key else None,
        }
        answer, status = self._connection.json_and_status("POST", "/uploads", json=wanted)
        return UploadInfo.model_validate(answer), status == _CREATED

    def all(self) -> list[UploadInfo]:
        return [UploadInfo.model_validate(one) for one in self._connection.json("GET", "/uploads")]

    def get(self, upload_id: str) -> UploadInfo:
        return UploadInfo.model_validate(self._connection.json("GET", _upload(upload_id)))

    def part_size(self, upload_id: str, number: int) -> int:
        upload = self.get(upload_id)
        if not 0 <= number < upload.parts:
            raise PartUnknown(number, upload.parts)
        return upload.length_of(number)

    def put(self, upload_id: str, number: int, part: bytes | bytearray) -> PartStored:
        headers = {"Content-Type": "application/octet-stream"}
        path = f"{_upload(upload_id)}/parts/{number}"
        return PartStored.model_validate(self._connection.json("PUT", path, content=bytes(part), headers=headers))

    def part(self, upload_id: str, number: int) -> PartInfo:
        return PartInfo.model_validate(self._connection.json("GET", f"{_upload(upload_id)}/parts/{number}"))

    def complete(self, upload_id: str, *, sha256: str | None = None) -> DatasetInfo:
        path = f"{_upload(upload_id)}/complete"
        return DatasetInfo.model_validate(self._connection.json("POST", path, json={"sha256": sha256}))

    def abandon(self, upload_id: str) -> None:
        self._connection.json("DELETE", _upload(upload_id))


def upload_by_parts(
    uploads: Uploads,
    source: BinaryIO,
    name: str,
    size: int,
    *,
    key: Key | None,
    description: str,
    usage: str,
    store_key: bool,
    access: Mapping[str, KeyRole] | None,
    progress: Progress | None,
) -> DatasetInfo:
    """Send the parts of `source` that are not stored yet, and return the dataset.

    Raises:
        NotADataset: the file is no dataset; no other part of it was sent.
        UploadInterrupted: the connection or the store failed; the same call resumes the upload.
        InputUnreadable, InputChanged: the source failed, or its length has changed.
    """
    upload, _ = uploads.begin(
        name, size, key=key, description=description, usage=usage, store_key=store_key, access=access
    )
    sending = _Sending(uploads, upload, name)
    try:
        sending.run(source, progress)
        return with_retries(lambda: uploads.complete(upload.upload_id, sha256=sending.digest.hexdigest()))
    except NotADataset:
        with contextlib.suppress(DatalabError):  # swept later
            uploads.abandon(upload.upload_id)
        raise
    except _PASSING as error:
        reason = error.reason if isinstance(error, StoreUnreachable) else "the connection broke"
        raise UploadInterrupted(upload.upload_id, sending.sent, reason or "the store failed") from None
    except TooManyUploads:
        raise UploadInterrupted(upload.upload_id, sending.sent, "the deployment stores other uploads") from None
    except (PartMissing, PartsDiffer):  # the same call compares all parts, and sends those that differ
        raise UploadInterrupted(
            upload.upload_id, sending.sent, "another file of this name and size is being sent"
        ) from None
    except OSError as error:
        raise InputUnreadable(name, why(error)) from None


def upload_in_one(
    connection: Connection,
    source: BinaryIO,
    facts: Mapping[str, Any],
    *,
    key: Key | None,
    access: Mapping[str, KeyRole] | None,
    progress: Progress | None,
) -> DatasetInfo:
    """Send a source of unknown size in one request, and return the dataset; it cannot be resumed.

    Raises:
        TooManyUploads: the deployment stores other uploads, and this one is too long to be sent again.
        InputUnreadable: the source failed.
    """
    params: dict[str, Any] = dict(facts)
    for role, name in ((KeyRole.OWNER, "owner"), (KeyRole.USER, "user")):
        params[name] = [user for user, given in (access or {}).items() if given == role]
    headers = {"Content-Type": "application/octet-stream"} | ({"X-Dataset-Key": key.to_text()} if key else {})
    try:
        start = _start(source)

        def send(content: bytes | Iterator[bytes]) -> DatasetInfo:
            answer = connection.json("PUT", "/datasets", params=params, headers=headers, content=content)
            return DatasetInfo.model_validate(answer)

        if len(start) >= _REPEATABLE:
            return send(_pieces(start, source, progress))
        stored = with_room(lambda: send(start))
        if progress:
            progress(len(start))
        return stored
    except OSError as error:
        raise InputUnreadable(str(facts["name"]), why(error)) from None


class _Sending:
    """One upload by parts: compares the parts that are stored already, and sends the rest, a few parts at a time."""

    def __init__(self, uploads: Uploads, upload: UploadInfo, name: str) -> None:
        self._uploads = uploads
        self._upload = upload
        self._name = name
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
            for number in range(self._upload.parts):
                part = self._read(source, number)
                sha256 = hashlib.sha256(part)
                self.digest.update(sha256.digest())
                waiting.append(pool.submit(self._send, number, part, sha256.hexdigest()))
                del part
                if len(waiting) > PARALLEL or number == 0:  # the first part shows whether this is a dataset
                    take()
            while waiting:
                take()
        finally:
            pool.shutdown(cancel_futures=True)

    def _send(self, number: int, part: bytes, sha256: str) -> int:
        if not (any(first <= number <= last for first, last in self._upload.stored) and self._is_there(number, sha256)):
            with_retries(lambda: self._uploads.put(self._upload.upload_id, number, part))
        return len(part)

    def _is_there(self, number: int, sha256: str) -> bool:
        """Return whether the stored part equals this one: the file may have changed since."""
        try:
            stored = with_retries(lambda: self._uploads.part(self._upload.upload_id, number))
        except PartMissing:
            return False
        return stored.sha256 == sha256

    def _read(self, source: BinaryIO, number: int) -> bytes:
        expected = self._upload.length_of(number)
        part = bytearray()
        while len(part) < expected and (piece := source.read(expected - len(part))):
            part += piece
        if len(part) < expected:
            raise InputChanged(self._name)
        return bytes(part)


def with_retries(ask: Callable[[], Answer]) -> Answer:
    """Return the result of `ask`; if the connection or the store fails, pause and try again."""
    for pause in PAUSES:
        try:
            return with_room(ask)
        except _PASSING:
            time.sleep(pause)
    return with_room(ask)


def with_room(ask: Callable[[], Answer]) -> Answer:
    """Return the result of `ask`; while the deployment stores too many other uploads, wait as long as it says.

    Raises:
        TooManyUploads: after ten minutes it still does.
    """
    end = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            return ask()
        except TooManyUploads as error:
            if time.monotonic() + error.retry_after > end:
                raise
            time.sleep(error.retry_after)


def _upload(upload_id: str) -> str:
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise UploadNotFound(upload_id)
    return f"/uploads/{upload_id}"


def _start(source: BinaryIO) -> bytes:
    """Return the first bytes of a source, all that it has or enough to be too long to keep."""
    start = bytearray()
    while len(start) < _REPEATABLE and (piece := source.read(_PIECE)):
        start += piece
    return bytes(start)


def _pieces(start: bytes, source: BinaryIO, progress: Progress | None) -> Iterator[bytes]:
    piece = start
    while piece:
        yield piece
        if progress:
            progress(len(piece))
        piece = source.read(_PIECE)


def _plain(access: Mapping[str, KeyRole] | None) -> dict[str, str] | None:
    return None if access is None else {user: KeyRole(role).value for user, role in access.items()}
