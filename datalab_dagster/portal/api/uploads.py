"""Routes of uploads in parts: start or find an upload, send parts in any order, list stored parts, complete."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.api.body import no_envelope, read_at_most
from datalab_dagster.portal.api.values import MAX_BYTES, Email, Name, UploadId, Usage, Words, key_from
from datalab_dagster.portal.requests import upload_places
from datalab_dagster.service import PART_BYTES, DatasetInfo, KeyRole, PartInfo, PartStored, UploadInfo
from datalab_dagster.service.models import ServiceModel

router = APIRouter(prefix="/uploads", tags=["uploads"])
_BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

PartNumber = Annotated[int, Path(ge=0, le=MAX_BYTES // PART_BYTES, description="Number of a part, from 0")]


class NewUpload(ServiceModel):
    """A file to be sent."""

    name: Name
    size: int = Field(ge=0, le=MAX_BYTES, strict=True)
    """Bytes of the whole file."""
    description: Words = ""
    usage: Usage = "PUBLISHED"
    key: str | None = Field(default=None, max_length=100, repr=False)
    """32 bytes in URL-safe base64; default: random."""
    store_key: bool = True
    access: dict[Email, KeyRole] | None = Field(default=None, max_length=1000)


class Completion(ServiceModel):
    """The sender's digest of the whole file."""

    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the concatenated SHA-256 digests (32 bytes each) of all parts; detects mixed files."""


@router.post("", status_code=201, responses={200: {"model": UploadInfo, "description": "Found again"}})
def begin_upload(new: NewUpload, visitor: Changer, service: Service, record: Record, response: Response) -> UploadInfo:
    """Start an upload, or return your unfinished upload with the same values."""
    upload, is_new = service.uploads.begin(
        new.name,
        new.size,
        key=key_from(new.key),
        description=new.description,
        usage=new.usage,
        store_key=new.store_key,
        access=new.access,
    )
    response.status_code = 201 if is_new else 200
    record("upload.begin" if is_new else "upload.resume", upload.upload_id, name=upload.name, size=upload.size)
    return upload


@router.get("")
def list_uploads(visitor: Changer, service: Service) -> list[UploadInfo]:
    """Return your unfinished uploads, the newest first."""
    return service.uploads.all()


@router.get("/{upload_id}")
def describe_upload(upload_id: UploadId, visitor: Changer, service: Service) -> UploadInfo:
    """Return an unfinished upload and which of its parts are stored."""
    return service.uploads.get(upload_id)


@router.put("/{upload_id}/parts/{number}", openapi_extra={"requestBody": _BINARY})
async def put_part(
    request: Request,
    upload_id: UploadId,
    number: PartNumber,
    visitor: Changer,
    service: Service,
    plain: Annotated[None, Depends(no_envelope)],
) -> PartStored:
    """Store a part, encrypted. A part that is sent again replaces the stored one; equal content is not stored twice."""
    places = upload_places(request)
    with places.one():
        # Before it is read: a part that is refused need not be sent.
        await to_thread.run_sync(service.uploads.part_size, upload_id, number, limiter=places.threads)
        part = await read_at_most(request, PART_BYTES)
        async with places.storing:
            return await to_thread.run_sync(service.uploads.put, upload_id, number, part, limiter=places.threads)


@router.get("/{upload_id}/parts/{number}")
def describe_part(upload_id: UploadId, number: PartNumber, visitor: Changer, service: Service) -> PartInfo:
    """Return size and SHA-256 of a stored part, to compare with the file before the upload is resumed."""
    return service.uploads.part(upload_id, number)


@router.post("/{upload_id}/complete", status_code=201)
def complete_upload(
    upload_id: UploadId,
    visitor: Changer,
    service: Service,
    record: Record,
    known: Completion | None = None,
) -> DatasetInfo:
    """Create the dataset from all parts; a repeated request returns the same dataset."""
    dataset = service.uploads.complete(upload_id, sha256=known.sha256 if known else None)
    record("dataset.upload", dataset.manifest_hash, upload=upload_id, name=dataset.name, size=dataset.size)
    return dataset


@router.delete("/{upload_id}", status_code=204)
def abandon_upload(upload_id: UploadId, visitor: Changer, service: Service, record: Record) -> Response:
    """Discard an upload and its parts."""
    service.uploads.abandon(upload_id)
    record("upload.abandon", upload_id)
    return Response(status_code=204)
