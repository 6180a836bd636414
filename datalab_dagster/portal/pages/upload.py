"""Takes a file from a plain form, without scripts: its bytes stream into the store, none of them touches the disk.

With scripts, pages upload part by part over the API, which can be resumed; this way cannot.
"""

from __future__ import annotations

import io
import queue
import re
from collections.abc import Iterator
from typing import Annotated, Any

import anyio
from fastapi import Depends, Request, Response
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from datalab.errors import DatalabError, UsageError
from datalab_dagster.portal.access import (
    Permission,
    Recorder,
    Service,
    Visitor,
    check_csrf,
    current_visitor,
    require,
)
from datalab_dagster.portal.pages.datasets import page_of
from datalab_dagster.portal.pages.page import go, render
from datalab_dagster.service import DatasetInfo, LabService
from datalab_dagster.service.http_errors import ContentTypeWrong, RequestForged, RequestInvalid

MAX_FIELD = 10_000
_WAITING = 16

_changer = require(Permission.CHANGE)


def uploader(request: Request, visitor: Annotated[Visitor, Depends(current_visitor)]) -> Visitor:
    """Return the visitor who may upload; the token of the form is checked when it has arrived, before the file."""
    return _changer(request, visitor, None)


uploader.permissions = frozenset({Permission.CHANGE})  # type: ignore[attr-defined]  # as `require` tells it
Uploader = Annotated[Visitor, Depends(uploader)]


class Pipe(io.RawIOBase):
    """What one thread puts in, another reads as a file; bounded, so that neither runs away from the other."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._rest = b""
        self._ended = False
        self._broken = False

    def put(self, data: bytes | None) -> None:
        """Hand over some bytes, or None at the end; given up when nobody reads any more."""
        while not self.closed:
            try:
                self._chunks.put(data, timeout=0.5)
            except queue.Full:
                continue
            return

    def break_off(self) -> None:
        """Let the reader fail: the rest will never come."""
        self._broken = True
        self.put(None)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            chunk = self._chunks.get()
            self._rest, self._ended = chunk or b"", chunk is None
        if self._broken:
            raise OSError("The connection broke")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class Parts:
    """The parts of a form in the order in which they arrive: fields whole, the file in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.complete = False
        self._pieces: list[bytes] = []
        self._in_file = False
        self._name = ""
        self._value = b""
        self._header = b""
        self._content = b""
        self._headers: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes of the body and yield those of the file."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise RequestInvalid(["The body: it is not a form"]) from None
        pieces, self._pieces = self._pieces, []
        yield from pieces

    def _begin(self) -> None:
        self._headers, self._value, self._in_file = {}, b"", False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._content
        self._header = self._content = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options and self.file_name is None:
            self.file_name = base_name(options[b"filename"].decode("utf-8", "replace"))
            self._in_file = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])
        elif len(self._value) < MAX_FIELD:
            self._value += data[start:end]

    def _end(self) -> None:
        if self._in_file:
            self.complete = True
        else:
            self.fields[self._name] = self._value.decode("utf-8", "replace")


def base_name(path: str) -> str:
    r"""Return the name of a file without the directories that some browsers send.

    Example:
        >>> base_name("C:\\exports\\users.csv"), base_name("../../etc/users.csv")
        ('users.csv', 'users.csv')
    """
    return re.split(r"[/\\]", path)[-1].strip()


async def submit(request: Request, visitor: Uploader, service: Service) -> Response:
    """Stores the file of the form as a dataset; it is there whole, or not at all."""
    try:
        dataset = await _stored(request, service)
    except (RequestForged, ContentTypeWrong):
        raise
    except DatalabError as error:
        page = await run_in_threadpool(page_of, request, service, [str(error)])
        return render(request, "datasets.html.j2", page, status=422)
    details = {"name": dataset.name, "size": dataset.size}
    await run_in_threadpool(lambda: Recorder(request)("dataset.upload", dataset.manifest_hash, **details))
    del visitor
    return go(request, "/datasets", f"Uploaded {dataset.name}. Provision it to a Datalab next.")


async def _stored(request: Request, service: LabService) -> DatasetInfo:
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise ContentTypeWrong("multipart/form-data")
    parts, body = Parts(options[b"boundary"]), request.stream()
    first: list[bytes] = []
    async for data in body:
        first += parts.feed(data)
        if parts.file_name is not None:
            break
    check_csrf(request, parts.fields.get("csrf_token"))
    if not parts.file_name:
        raise UsageError("No file was chosen. Nothing was stored; choose one and upload again.")
    name = parts.fields.get("name", "").strip() or parts.file_name
    pipe = Pipe()
    found: list[DatasetInfo] = []

    def store() -> None:
        try:
            found.append(service.upload_dataset(pipe, name))  # type: ignore[arg-type]  # reads as BinaryIO does
        finally:
            pipe.close()

    async def send() -> None:
        try:
            for piece in first:
                await run_in_threadpool(pipe.put, piece)
            async for data in body:
                for piece in parts.feed(data):
                    await run_in_threadpool(pipe.put, piece)
            if not parts.complete:
                raise RequestInvalid(["The body: it ends inside the file"])
        except BaseException:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(pipe.break_off)
            raise
        await run_in_threadpool(pipe.put, None)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_in_threadpool, store)
            await send()
    except BaseExceptionGroup as group:
        raise _most_telling(group) from None
    return found[0]


def _most_telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure of the store, if there is one: the connection then only broke because nobody read any more."""
    failures = [error for error in group.exceptions if not isinstance(error, BaseExceptionGroup)]
    ours = [error for error in failures if isinstance(error, DatalabError)]
    return next(iter(ours or failures), group)
