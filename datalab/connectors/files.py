"""Files at any address that fsspec has a driver for: directories, object stores, servers.

Every failure of a driver becomes `ConnectorFailed`, since its own text may hold addresses and keys.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import BaseModel, ConfigDict

from datalab.connectors.local import fixed_folder, open_below
from datalab.connectors.protocol import (
    Connector,
    ConnectorFailed,
    ConnectorNotInstalled,
    ConnectorUnknown,
    Entry,
    EntryChanged,
    EntryExists,
)
from datalab.errors import DatalabError, suggestion
from datalab.scratch import why
from datalab.storage.objects import modified_at, protocols_of, without_user

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", "~")
"""Ends of the names that programs give to a file while they write it."""
_IN_WORK = re.compile(r"/(?:_temporary|\.[^/]*)/")
"""A folder in which Spark and Hadoop write, or a hidden one."""
_HOLD_BACK = {"file", "local", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}
"""Where readers cannot see a file before it is committed."""
_VERSIONS = ("ETag", "etag", "mtime", "LastModified")


class FileOptions(BaseModel):
    """Passed on to the fsspec driver unchanged, such as `endpoint_url`, `key` and `secret` for S3."""

    model_config = ConfigDict(extra="allow", frozen=True)


class FileConnector(Connector[FileOptions]):
    """Files that an fsspec driver reaches."""

    schemes = frozenset(fsspec.available_protocols())
    options_type = FileOptions

    def list(self, pattern: str) -> Iterator[Entry]:
        with _driver(pattern):
            files, path = self._at(pattern)
            files.invalidate_cache()
            found = sorted(files.glob(path, detail=True).items())
        for at, info in found:
            is_unfinished = at.endswith(_UNFINISHED) or _IN_WORK.search(at.removeprefix(fixed_folder(path)))
            is_file = info.get("type") == "file" or info.get("islink")  # a link is listed and cannot be opened
            if is_file and not is_unfinished:
                yield _entry(files, info, at)

    def find(self, url: str) -> Entry | None:
        with _driver(url):
            files, path = self._at(url)
        return _found(files, path, url)

    @contextlib.contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        files, path = self._at(entry.url)
        with self._opened(files, path, entry) as source:
            yield source

    @contextlib.contextmanager
    def open_listed(self, pattern: str, entry: Entry) -> Iterator[BinaryIO]:
        files, below = self._at(pattern)
        path = files._strip_protocol(entry.url)  # not by `_at`: the pattern may be a chain of addresses
        if not isinstance(files, LocalFileSystem):
            with self._opened(files, path, entry) as source:
                yield source
            return
        with _driver(entry.url):
            file = open_below(fixed_folder(below), path)

        def check() -> None:
            now = os.fstat(file.fileno())
            if _entry(files, {"size": now.st_size, "mtime": now.st_mtime}, path).fingerprint != entry.fingerprint:
                raise EntryChanged

        with file:
            check()
            yield cast("BinaryIO", io.BufferedReader(_Checked(entry.url, file, check)))

    def probe(self, pattern: str, entry: Entry) -> None:
        if isinstance(self._at(pattern)[0], LocalFileSystem):  # elsewhere it would be a request for every file
            with self.open_listed(pattern, entry):
                pass

    @contextlib.contextmanager
    def _opened(self, files: Any, path: str, entry: Entry) -> Iterator[BinaryIO]:
        def check() -> None:
            now = _found(files, path, entry.url)
            if now is None or now.fingerprint != entry.fingerprint:
                raise EntryChanged

        check()
        with _driver(entry.url):
            source = files.open(path, "rb")
        with source:
            yield cast("BinaryIO", io.BufferedReader(_Checked(entry.url, source, check)))

    def write(self, url: str, content: Iterable[bytes]) -> Entry:
        with _driver(url):
            files, path = self._at(url)
            if files.exists(path):
                raise EntryExists(without_user(url))
        if _HOLD_BACK & protocols_of(files):
            _committed(url, files, path, content)
        else:
            _moved(url, files, path, content)
        with _driver(url):
            files.invalidate_cache()
            return _entry(files, files.info(path), path)

    def _at(self, url: str) -> tuple[Any, str]:
        """Return the driver and the path in it.

        Raises:
            ConnectorUnknown: no driver has this scheme.
            ConnectorNotInstalled: the package of the driver is missing.
            ConnectorFailed: the driver rejects the address or its options.
        """
        scheme = scheme_of(url)
        try:
            with _driver(url, pass_on=(DatalabError, ValueError, ImportError)):
                options = self.options.model_dump()
                driver = fsspec.get_filesystem_class(scheme)
                if "::" in url and not _reads_another_address(driver):
                    files = fsspec.filesystem(scheme, **driver._get_kwargs_from_urls(url), **options)
                    path = files._strip_protocol(url)
                else:
                    files, path = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            raise ConnectorNotInstalled(scheme, str(error)) from None
        except ValueError:
            if scheme in self.schemes:
                raise ConnectorFailed(without_user(url), "the options do not fit") from None
            raise ConnectorUnknown(scheme, suggestion(scheme, self.schemes)) from None
        return files, path


class _Checked(io.RawIOBase):
    """A file that is checked again when it has been read to its end."""

    def __init__(self, url: str, source: Any, check: Callable[[], None]) -> None:
        super().__init__()
        self._url = url
        self._source = source
        self._check = check

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._source.seek(offset, whence))

    def tell(self) -> int:
        return int(self._source.tell())

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        with _driver(self._url):
            data = self._source.read(len(view))
        if not data:
            self._check()
        view[: len(data)] = data
        return len(data)


def scheme_of(url: str) -> str:
    """Return the scheme of a URL, which ends at `://`; a path is a file.

    >>> scheme_of("s3://bucket/a.csv"), scheme_of("/drop/a.csv")
    ('s3', 'file')
    """
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator else "file"


def _reads_another_address(driver: type[fsspec.AbstractFileSystem]) -> bool:
    """Return whether a driver reads the address behind `::`, as that of `zip://`; for others it is part of a name."""
    return "target_protocol" in inspect.signature(driver.__init__).parameters


def _found(files: Any, path: str, url: str) -> Entry | None:
    with _driver(url):
        files.invalidate_cache()
        try:
            info = files.info(path)
        except FileNotFoundError:
            return None
        return _entry(files, info, path) if info.get("type") == "file" else None


def _entry(files: Any, info: Mapping[str, Any], path: str) -> Entry:
    modified = modified_at(info)  # the last resort: drivers spell it differently in a listing and alone
    version = next((info[key] for key in _VERSIONS if info.get(key)), modified or "")
    return Entry(files.unstrip_protocol(path), info.get("size"), str(version), modified)


def _committed(url: str, files: Any, path: str, content: Iterable[bytes]) -> None:
    with _driver(url):
        target = files.open(path, "wb", autocommit=False)
    try:
        _fill(url, target, content)
    except BaseException:
        with contextlib.suppress(Exception):  # what led here is what people read
            target.discard()
        raise
    with _driver(url):
        target.commit()


def _fill(url: str, target: Any, content: Iterable[bytes]) -> None:
    for piece in content:  # an error here is no failure of the driver
        with _driver(url):
            target.write(piece)
    with _driver(url):
        target.close()


def _moved(url: str, files: Any, path: str, content: Iterable[bytes]) -> None:
    part = f"{path}.{secrets.token_hex(4)}.part"
    try:
        with _driver(url):
            target = files.open(part, "wb")
        _fill(url, target, content)
        with _driver(url):
            files.mv(part, path)
    except BaseException:
        with contextlib.suppress(Exception):  # as above; a driver's own text may hold keys
            files.rm_file(part)
        raise


@contextlib.contextmanager
def _driver(url: str, pass_on: tuple[type[Exception], ...] = (DatalabError,)) -> Iterator[None]:
    try:
        yield
    except pass_on:
        raise
    except OSError as error:
        raise ConnectorFailed(without_user(url), why(error)) from None
    except Exception as error:  # noqa: BLE001 - drivers of botocore, gcloud and azure share no base class
        raise ConnectorFailed(without_user(url), type(error).__name__) from None
