"""Routes of datasets: upload in one request, list, describe, download, delete, keys and who may use them."""

from __future__ import annotations

import io
from typing import Annotated, BinaryIO, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from datalab_dagster.portal.access import Changer, Insider, Reader, Record, Service
from datalab_dagster.portal.api.body import BodyReader, no_envelope
from datalab_dagster.portal.api.values import (
    DatasetKey,
    Email,
    ManifestHash,
    Name,
    Usage,
    Words,
    access_from,
    attachment,
    key_from,
    pieces,
)
from datalab_dagster.portal.requests import upload_places
from datalab_dagster.service import DatasetInfo, KeyAccess, KeyRole
from datalab_dagster.service.models import ServiceModel

router = APIRouter(prefix="/datasets", tags=["datasets"])
_PIECE = 1024**2
_BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


class KeyText(ServiceModel):
    """The key of a dataset."""

    key: str
    """32 bytes in URL-safe base64."""


class NewAccess(ServiceModel):
    """The new access list of a key."""

    users: dict[Email, KeyRole] = Field(max_length=1000)


@router.get("")
def list_datasets(visitor: Reader, service: Service) -> list[DatasetInfo]:
    """Return all datasets, the oldest first."""
    return service.datasets()


@router.put("", status_code=201, operation_id="put_dataset", openapi_extra={"requestBody": _BINARY})
@router.post("", status_code=201, operation_id="post_dataset", openapi_extra={"requestBody": _BINARY})
async def upload_dataset(
    request: Request,
    visitor: Changer,
    service: Service,
    record: Record,
    plain: Annotated[None, Depends(no_envelope)],
    name: Annotated[Name, Query(description="Name of the dataset")],
    description: Annotated[Words, Query()] = "",
    usage: Annotated[Usage, Query()] = "PUBLISHED",
    store_key: Annotated[
        bool, Query(alias="storeKey", description="Keep the key, so that it can be provisioned")
    ] = True,
    owner: Annotated[list[Email], Query(description="Who owns the key; default: you", max_length=100)] = [],  # noqa: B006
    user: Annotated[list[Email], Query(description="Who else may use the key", max_length=100)] = [],  # noqa: B006
    key: DatasetKey = None,
) -> DatasetInfo:
    """Store the body, of any size, encrypted; the dataset exists only after everything is stored.

    An interrupted request starts from the beginning: upload large files in parts (`POST /api/uploads`).
    """
    given = key_from(key)
    access = access_from(owner, user)

    def store() -> DatasetInfo:
        with io.BufferedReader(BodyReader(request), _PIECE) as source:
            info = service.upload_dataset(
                cast("BinaryIO", source),
                name,
                key=given,
                description=description,
                usage=usage,
                store_key=store_key,
                access=access,
            )
        record("dataset.upload", info.manifest_hash, name=info.name, size=info.size)
        return info

    places = upload_places(request)
    with places.one():
        return await to_thread.run_sync(store, limiter=places.threads)


@router.get("/{manifest_hash}")
def describe_dataset(manifest_hash: ManifestHash, visitor: Reader, service: Service) -> DatasetInfo:
    """Return a dataset."""
    return service.dataset(manifest_hash)


@router.post("/{manifest_hash}/inspect")
def inspect_dataset(manifest_hash: ManifestHash, visitor: Changer, service: Service, record: Record) -> DatasetInfo:
    """Recognise a stored dataset from its content, and keep the facts: counts and names of types, never a value."""
    dataset = service.inspect_dataset(manifest_hash)
    record("dataset.inspect", manifest_hash)
    return dataset


@router.get("/{manifest_hash}/content", response_class=StreamingResponse, responses={200: _BINARY})
def download_dataset(
    manifest_hash: ManifestHash, visitor: Insider, service: Service, record: Record, key: DatasetKey = None
) -> StreamingResponse:
    """Return the plain content, every chunk verified; if one is damaged, the answer ends early."""
    given = key_from(key)
    info = service.dataset(manifest_hash)
    content = service.download_dataset(manifest_hash, given)
    record("dataset.download", manifest_hash)
    headers = {"Content-Disposition": attachment(info.name), "Content-Length": str(info.size)}
    return StreamingResponse(pieces(content), media_type="application/octet-stream", headers=headers)


@router.delete("/{manifest_hash}", status_code=204)
def delete_dataset(
    manifest_hash: ManifestHash,
    visitor: Changer,
    service: Service,
    record: Record,
    force: Annotated[bool, Query(description="Deprovision it first")] = False,
) -> Response:
    """Delete a dataset and its key permanently."""
    service.delete_dataset(manifest_hash, force=force)
    record("dataset.delete", manifest_hash, force=force)
    return Response(status_code=204)


@router.get("/{manifest_hash}/key")
def dataset_key(manifest_hash: ManifestHash, visitor: Insider, service: Service, record: Record) -> KeyText:
    """Return the stored key, to those on its access list."""
    key = service.dataset_key(manifest_hash)
    record("key.read", manifest_hash)
    return KeyText(key=key.to_text())


@router.get("/{manifest_hash}/access")
def key_access(manifest_hash: ManifestHash, visitor: Insider, service: Service) -> KeyAccess:
    """Return who may use the stored key."""
    return service.key_access(manifest_hash)


@router.put("/{manifest_hash}/access")
def set_key_access(
    manifest_hash: ManifestHash, access: NewAccess, visitor: Changer, service: Service, record: Record
) -> KeyAccess:
    """Replace the access list of a key; only an owner may."""
    now = service.set_key_access(manifest_hash, access.users)
    record("key.access", manifest_hash, users={user: role.value for user, role in now.users.items()})
    return now
