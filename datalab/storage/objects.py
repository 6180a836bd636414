"""Objects at an fsspec URL: put whole, get, list, delete. This module does not know their content.

A request to S3 has 10 seconds to connect and 60 to answer; it is made five times, with growing pauses, before it fails.

Only this module and `datalab.connectors.files` use fsspec. Every failure of a driver becomes `StoreUnreachable`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem
from upath import UPath

from datalab.errors import DatalabError
from datalab.scratch import PART, publish, why
from datalab.storage.errors import StoreUnreachable
from datalab.storage.files import make_private, write_durably

# With these an object appears whole or not at all; with others it is written under another name and moved.
_PUT_IS_ATOMIC = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"}
_S3 = {"s3", "s3a"}
_REQUESTS_TO_S3 = {
    "connect_timeout": 10,
    "read_timeout": 60,
    "retries": {"mode": "standard", "total_max_attempts": 5},
}
_TIMES = ["mtime", "LastModified", "last_modified", "updated", "modified", "created"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One object, or one directory, of a listing; `modified` is None if the driver does not give it."""

    name: str
    size: int
    modified: datetime | None
    is_directory: bool


class Objects:
    """The objects under one fsspec URL; paths are relative to it.

    Args:
        url: a directory, or a URL such as `s3://bucket/prefix`.
        options: what the fsspec driver needs, such as its endpoint and credentials.

    Attributes:
        where: the address, without user name and password.
        is_local: whether the objects are files of this machine.
    """

    def __init__(self, url: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> None:
        # Other processes write to the same place, so listings are never cached.
        with _driver(without_user(os.fspath(url))):
            fs, root = fsspec.url_to_fs(os.fspath(url), **_arguments(os.fspath(url), options or {}))
        self._fs = fs
        self._root = root.rstrip("/")
        self.is_local = isinstance(fs, LocalFileSystem)
        protocols = protocols_of(fs)
        self._is_atomic = bool(protocols & _PUT_IS_ATOMIC)
        self.where = self._root if self.is_local else f"{min(protocols)}://{self._root}"

    def put(self, path: str, data: bytes | bytearray) -> None:
        """Write an object, whole or not at all."""
        with _driver(self.where, missing_passes=False):
            if self.is_local:
                write_durably(Path(self._full(path)), data)
            else:
                self._put_whole(path, lambda target: self._fs.pipe_file(target, data))

    def put_file(self, path: str, file: Path) -> None:
        """Store a local file, whole or not at all; a file of this machine is moved.

        Raises:
            OutputFailed: the directory of the objects is on this machine and cannot be written to.
        """
        with _driver(self.where, missing_passes=False):
            if self.is_local:
                make_private(Path(self._full(path)).parent)
                publish(file, Path(self._full(path)))
            else:
                self._put_whole(path, lambda target: self._fs.put_file(str(file), target))

    def get_file(self, path: str, file: Path) -> None:
        """Copy an object to a local file.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with _driver(self.where):
            self._fs.get_file(self._full(path), str(file))

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[Path | BinaryIO]:
        """Yield the path of an object on this machine, or an open file that requests what is read of it.

        Raises:
            FileNotFoundError: it does not exist.
        """
        if self.is_local:
            yield Path(self._full(path))
            return
        with _driver(self.where):
            file = self._fs.open(self._full(path), "rb")
        with file:
            yield cast("BinaryIO", _Reader(file, self.where))

    def sha256(self, path: str) -> str:
        """Return the SHA-256 of an object.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with _driver(self.where), self._fs.open(self._full(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def version(self, path: str) -> str:
        """Return what changes whenever an object is written again, at the cost of one request; "" for a file here.

        Raises:
            FileNotFoundError: it does not exist.
        """
        if self.is_local:
            return ""
        with _driver(self.where):
            return str(self._fs.ukey(self._full(path)))

    def get(self, path: str, end: int | None = None) -> bytes | None:
        """Return an object, or its first `end` bytes; None if it does not exist."""
        with _driver(self.where), contextlib.suppress(FileNotFoundError):
            data: bytes = self._fs.cat_file(self._full(path), start=None if end is None else 0, end=end)
            return data
        return None

    def exists(self, path: str) -> bool:
        with _driver(self.where), contextlib.suppress(FileNotFoundError):
            return bool(self._fs.info(self._full(path))["type"] == "file")
        return False

    def list(self, path: str) -> dict[str, Entry]:
        """Return what is in a directory, by name, in order; nothing if there is no such directory."""
        with _driver(self.where), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._fs.invalidate_cache()
            found = (self._entry(info) for info in self._fs.ls(self._full(path), detail=True))
            return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name) if entry.name}
        return {}

    def delete(self, path: str) -> None:
        """Remove an object; no error if it does not exist."""
        with _driver(self.where), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._full(path))

    def delete_directory(self, path: str) -> None:
        """Remove everything in a directory; no error if it does not exist."""
        with _driver(self.where), contextlib.suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            self._fs.rm(self._full(path), recursive=True)

    def location(self, path: str) -> UPath:
        """Return the address of an object, as Dagster shows it."""
        if self.is_local:
            return UPath(self._full(path))
        location: UPath = UPath(self._fs.unstrip_protocol(self._full(path)), **self._fs.storage_options)
        return location

    def _put_whole(self, path: str, put: Callable[[str], object]) -> None:
        if self._is_atomic:
            put(self._full(path))
            return
        part = self._full(f"{path}.{secrets.token_hex(4)}{PART}")
        self._fs.makedirs(part.rpartition("/")[0], exist_ok=True)
        put(part)
        self._fs.mv(part, self._full(path))

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _entry(self, info: Mapping[str, Any]) -> Entry:
        is_directory = info["type"] == "directory"
        name = str(info["name"]).rstrip("/").rpartition("/")[2]
        return Entry(name, int(info.get("size") or 0), modified_at(info), is_directory)


def _arguments(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the driver: the options, and for S3 the limits of a request that they do not set."""
    arguments: dict[str, Any] = {"use_listings_cache": False, **options}
    if url.partition("://")[0] in _S3:
        arguments["config_kwargs"] = {**_REQUESTS_TO_S3, **arguments.get("config_kwargs", {})}
    return arguments


class _Reader(io.RawIOBase):
    """An open object; a driver that fails while it is read raises `StoreUnreachable`, as everywhere here."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        super().__init__()
        self._file = file
        self._where = where

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with _driver(self._where):
            return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        with _driver(self._where):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def _driver(where: str, missing_passes: bool = True) -> Iterator[None]:
    """Turn errors of a driver into `StoreUnreachable`; their text may hold addresses and credentials."""
    try:
        yield
    except DatalabError:
        raise
    except OSError as error:
        if missing_passes and isinstance(error, FileNotFoundError):
            raise
        raise StoreUnreachable(where, why(error)) from None
    except Exception as error:  # noqa: BLE001 - drivers of botocore, gcloud and azure share no base class
        raise StoreUnreachable(where, type(error).__name__) from None


def protocols_of(fs: Any) -> set[str]:
    """Return the schemes that a driver serves."""
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


def modified_at(info: Mapping[str, Any]) -> datetime | None:
    """Return when an object was last changed, according to its driver; None: the driver does not say."""
    value = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def without_user(url: str) -> str:
    """Return an address without user name and password."""
    scheme, separator, rest = url.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]
