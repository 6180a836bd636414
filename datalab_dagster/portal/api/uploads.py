"""Routes of uploads part by part: begin or find again, send parts in any order, see which are there, complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from datalab.deployment.parts import PartUploads
from datalab.registry import KeyRole, Upload
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import PartMissing, PartSizeWrong
from datalab.storage.parts import PartUpload
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.api.body import no_envelope, read_at_most
from datalab_dagster.portal.api.values import MAX_BYTES, Email, Name, UploadId, Usage, Words, key_from
from datalab_dagster.portal.state import portal_of
from datalab_dagster.service import DatasetInfo
from datalab_dagster.service.http_errors import AddressUnknown
from datalab_dagster.service.models import ServiceModel

router = APIRouter(prefix="/uploads", tags=["uploads"])
_BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_AT_ONCE = 6
"""Parts in memory at a time, each as sent and as encrypted; other senders wait."""

PartNumber = Annotated[int, Path(ge=0, le=MAX_BYTES // CHUNK_BYTES, description="Number of a part, from 0")]


class NewUpload(ServiceModel):
    """A file that is going to be sent."""

    name: Name
    size: int = Field(ge=0, le=MAX_BYTES, strict=True)
    """Bytes of the whole file."""
    description: Words = ""
    usage: Usage = "PUBLISHED"
    key: str | None = Field(default=None, max_length=100, repr=False)
    """32 bytes in URL-safe base64; default: random."""
    store_key: bool = True
    access: dict[Email, KeyRole] | None = Field(default=None, max_length=1000)


class UploadInfo(ServiceModel):
    """An unfinished upload."""

    upload_id: str
    name: str
    size: int
    part_size: int
    """Bytes of every part but the last."""
    parts: int
    """How many parts there are in all."""
    stored: list[Annotated[list[int], Field(min_length=2, max_length=2)]]
    """Ranges of numbers of stored parts, first and last."""
    created_at: datetime


class PartInfo(ServiceModel):
    """A stored part."""

    number: int
    size: int
    sha256: str
    """Of what was sent."""


class PartStored(ServiceModel):
    """A part that was stored."""

    number: int
    size: int


class Completion(ServiceModel):
    """What the sender knows of the whole file."""

    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the SHA-256 digests (32 bytes each) of all parts, one after the other: guards against mixed files."""


def _uploads(request: Request) -> PartUploads:
    uploads = portal_of(request).uploads
    if uploads is None:
        raise AddressUnknown
    return uploads


Uploads = Annotated[PartUploads, Depends(_uploads)]


@router.post("", status_code=201, responses={200: {"model": UploadInfo, "description": "Found again"}})
def begin_upload(new: NewUpload, visitor: Changer, uploads: Uploads, record: Record, response: Response) -> UploadInfo:
    """Begin an upload, or return the unfinished one of yours that is the same in everything given here."""
    upload, is_new = uploads.begin(
        new.name,
        new.size,
        by=visitor.email,
        key=key_from(new.key),
        description=new.description,
        usage=new.usage,
        keep_key=new.store_key,
        access=new.access,
    )
    response.status_code = 201 if is_new else 200
    record("upload.begin" if is_new else "upload.resume", upload.upload_id, name=upload.name, size=upload.size_bytes)
    return _info(*uploads.find(upload.upload_id, by=visitor.email))


@router.get("")
def list_uploads(visitor: Changer, uploads: Uploads) -> list[UploadInfo]:
    """Return your unfinished uploads, the newest first."""
    return [_info(*uploads.find(one.upload_id, by=visitor.email)) for one in uploads.all(by=visitor.email)]


@router.get("/{upload_id}")
def describe_upload(upload_id: UploadId, visitor: Changer, uploads: Uploads) -> UploadInfo:
    """Return an unfinished upload and which of its parts are stored."""
    return _info(*uploads.find(upload_id, by=visitor.email))


@router.put("/{upload_id}/parts/{number}", openapi_extra={"requestBody": _BINARY})
async def put_part(
    request: Request,
    upload_id: UploadId,
    number: PartNumber,
    visitor: Changer,
    uploads: Uploads,
    plain: Annotated[None, Depends(no_envelope)],
) -> PartStored:
    """Store a part, encrypted; sent again it replaces what was there, and the same is not stored twice."""
    _, parts = await to_thread.run_sync(lambda: uploads.find(upload_id, by=visitor.email))
    expected = parts.length_of(number)
    async with _limiter(request):
        part = await read_at_most(request, CHUNK_BYTES)
        if len(part) != expected:
            raise PartSizeWrong(number, len(part), expected)
        await to_thread.run_sync(parts.put, number, part)
    return PartStored(number=number, size=expected)


@router.get("/{upload_id}/parts/{number}")
def describe_part(upload_id: UploadId, number: PartNumber, visitor: Changer, uploads: Uploads) -> PartInfo:
    """Return size and SHA-256 of a stored part, to compare with the file before going on with it."""
    _, parts = uploads.find(upload_id, by=visitor.email)
    size, sha256 = parts.length_of(number), parts.digest(number)
    if sha256 is None:
        raise PartMissing(upload_id, [number], parts.count)
    return PartInfo(number=number, size=size, sha256=sha256)


@router.post("/{upload_id}/complete", status_code=201)
def complete_upload(
    upload_id: UploadId,
    visitor: Changer,
    uploads: Uploads,
    service: Service,
    record: Record,
    known: Completion | None = None,
) -> DatasetInfo:
    """Make a dataset of all parts; asked again, return the same one."""
    dataset = uploads.complete(upload_id, by=visitor.email, expected=known.sha256 if known else None)
    record("dataset.upload", dataset.manifest_hash, upload=upload_id, name=dataset.name, size=dataset.size_bytes)
    return service.dataset(dataset.manifest_hash)


@router.delete("/{upload_id}", status_code=204)
def abandon_upload(upload_id: UploadId, visitor: Changer, uploads: Uploads, record: Record) -> Response:
    """Give an upload up and remove its parts."""
    uploads.abandon(upload_id, by=visitor.email)
    record("upload.abandon", upload_id)
    return Response(status_code=204)


def _info(upload: Upload, parts: PartUpload) -> UploadInfo:
    return UploadInfo(
        upload_id=upload.upload_id,
        name=upload.name,
        size=parts.size,
        part_size=CHUNK_BYTES,
        parts=parts.count,
        stored=_ranges(parts.stored()),
        created_at=upload.created_at,
    )


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    """Return runs of following numbers as first and last.

    >>> _ranges([0, 1, 2, 5, 7, 8])
    [[0, 2], [5, 5], [7, 8]]
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _limiter(request: Request) -> CapacityLimiter:
    state = request.app.state
    if not hasattr(state, "part_limiter"):
        state.part_limiter = CapacityLimiter(_AT_ONCE)
    limiter: CapacityLimiter = state.part_limiter
    return limiter
