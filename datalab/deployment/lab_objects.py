"""The stored objects of one lab, by name; errors of a disk say which file, those of an object store where it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from datalab.deployment.folders import one_name
from datalab.errors import InputUnreadable, OutputFailed
from datalab.scratch import new_file
from datalab.storage.errors import StoreUnreachable
from datalab.storage.objects import Entry, Objects


class LabObjects:
    """The objects of a lab in the storage of a deployment."""

    def __init__(self, objects: Objects, lab: str) -> None:
        self._objects = objects
        self._folder = f"labs/{one_name(lab)}"
        self._put: dict[str, str] = {}
        """The version of each file that was stored here, in an object store."""

    @property
    def root(self) -> UPath:
        """The folder of all of them."""
        return self._objects.location(self._folder)

    def location(self, name: str) -> UPath:
        """Return the address of an object."""
        return self._objects.location(self._path(name))

    def shown(self, name: str) -> str:
        """Return the address of an object as text."""
        return str(self.location(name))

    def exists(self, name: str) -> bool:
        """Return whether there is such an object."""
        with self._naming(name, InputUnreadable):
            return self._objects.exists(self._path(name))

    def get(self, name: str) -> bytes | None:
        """Return an object; None if it does not exist.

        Raises:
            InputUnreadable: the disk fails.
            StoreUnreachable: the object store does not answer.
        """
        with self._naming(name, InputUnreadable):
            return self._objects.get(self._path(name))

    def put(self, name: str, data: bytes) -> None:
        """Store an object, whole or not at all.

        Raises:
            OutputFailed: the disk is full, or cannot be written to.
            StoreUnreachable: the object store does not answer.
        """
        with self._naming(name, OutputFailed):
            self._objects.put(self._path(name), data)

    def put_file(self, name: str, file: Path) -> None:
        """Store a file of scratch, as `put`."""
        path = self._path(name)
        with self._naming(name, OutputFailed):
            self._objects.put_file(path, file)
            self._put[name] = self._objects.version(path)

    def is_as_put(self, name: str) -> bool:
        """Return whether an object store still has what `put_file` stored here, without reading it.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with self._naming(name, InputUnreadable):
            return bool(self._put.get(name)) and self._put[name] == self._objects.version(self._path(name))

    @contextlib.contextmanager
    def local(self, name: str, copy: Path) -> Iterator[Path]:
        """Yield an object as a file of this machine: itself, or `copy`, which the caller removes.

        Raises:
            FileNotFoundError: it does not exist.
        """
        if self._objects.is_local:
            yield Path(self.shown(name))
        else:
            self._objects.get_file(self._path(name), new_file(copy))
            yield copy

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Path | BinaryIO]:
        """Yield the path of an object on this machine, or an open file."""
        with self._objects.opened(self._path(name)) as source:
            yield source

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of an object.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with self._naming(name, InputUnreadable):
            return self._objects.sha256(self._path(name))

    def list(self, folder: str) -> dict[str, Entry]:
        """Return what is in a folder, by name."""
        return self._objects.list(self._path(folder))

    def remove(self, folder: str) -> None:
        """Remove a folder; no error if it does not exist."""
        self._objects.delete_directory(self._path(folder))

    def remove_all(self) -> None:
        """Remove all objects of the lab."""
        self._objects.delete_directory(self._folder)

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    @contextlib.contextmanager
    def _naming(self, name: str, failed: type[InputUnreadable | OutputFailed]) -> Iterator[None]:
        """Raise `failed` with the name of an object for what a disk could not do."""
        try:
            yield
        except StoreUnreachable as error:
            if self._objects.is_local:
                raise failed(self.shown(name), error.reason) from None
            raise
