"""Values in addresses, queries and bodies of the API: lengths, alphabets, keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, BinaryIO, Literal
from urllib.parse import quote

from fastapi import Header, Path, Query
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from datalab_dagster.service import Key, KeyInvalid, KeyRole


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("unprintable", "Holds a character that cannot be printed")
    return text


def _named(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "Holds no character that can be seen")
    return _printable(text)


MAX_BYTES = 2**50
_PIECE = 1024**2
Usage = Literal["PUBLISHED", "TEST"]
Words = Annotated[str, Field(max_length=2000), AfterValidator(_printable)]
"""Text without control characters; markup is kept unchanged, and escaped where it is shown."""
Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_named)]
"""The name of a dataset: text, never a path."""
Email = Annotated[str, Field(min_length=1, max_length=254), AfterValidator(_named)]

ManifestHash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Manifest hash of a dataset")]
UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Id of an unfinished upload")]
LabName = Annotated[str, Path(max_length=500, description="Id of a lab, or its name where only one has it")]
RunId = Annotated[str, Path(max_length=100, description="Id of a run")]
ResultId = Annotated[str, Path(max_length=100, description="Id of the run that computed it, or `current`")]
Cause = Annotated[Words, Query(description="Why, in a few words")]
DatasetKey = Annotated[
    str | None,
    Header(alias="X-Dataset-Key", max_length=100, description="Key of the dataset: 32 bytes in URL-safe base64"),
]
CURRENT = "current"


def key_from(text: str | None) -> Key | None:
    """Return the key that a client gives.

    Raises:
        KeyInvalid: it is not 32 bytes in base64; the error does not contain the text.
    """
    if text is None:
        return None
    if not text.isascii():
        raise KeyInvalid("The key", "is not base64url")
    return Key.from_text(text.replace("+", "-").replace("/", "_"), "The key")


def access_from(owners: list[str], users: list[str]) -> dict[str, KeyRole] | None:
    """Return the access list of a query; None if it has none, so that the uploader is the owner."""
    listed = dict.fromkeys(users, KeyRole.USER) | dict.fromkeys(owners, KeyRole.OWNER)
    return listed or None


def run_of(result: str) -> str | None:
    """Return the run of a result's address; None: the current one."""
    return None if result == CURRENT else result


def pieces(content: BinaryIO) -> Iterator[bytes]:
    """Yield a file piece by piece, and close it."""
    with content:
        while piece := content.read(_PIECE):
            yield piece


def attachment(name: str) -> str:
    """Return the header that lets a browser save an answer under `name` without its path.

    >>> attachment("../../ids.csv")
    "attachment; filename*=UTF-8''ids.csv"
    """
    last = name.replace("\\", "/").rpartition("/")[2].strip(". ") or "dataset"
    return f"attachment; filename*=UTF-8''{quote(last, safe='')}"
