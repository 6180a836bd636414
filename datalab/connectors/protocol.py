"""What a connector is: it lists files where they are, opens one in exactly the version listed, and writes one.

This module knows neither schedules nor labs.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from datalab.errors import UsageError, as_sentence

Options = TypeVar("Options", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a listing, in one version."""

    url: str
    size: int | None
    """In bytes; None: not known beforehand."""
    version: str
    """Changes when the content changes: a version id, an ETag or a time; empty: only the size is known."""
    modified: datetime | None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def fingerprint(self) -> str:
        """Identifies this version of this file; it is kept with the provisioning event."""
        identity = f"{self.url}\0{self.size}\0{self.version}"
        return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Connector(ABC, Generic[Options]):
    """The files at one place, with the options of its owner.

    Every method raises `ConnectorFailed` when the place cannot be reached or refuses.
    """

    schemes: ClassVar[frozenset[str]]
    """The beginnings of its URLs, without `://`."""
    options_type: ClassVar[type[BaseModel]]
    """Its options."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @abstractmethod
    def list(self, pattern: str) -> Iterator[Entry]:
        """Yield the files that match a URL, whose last part may have wildcards, sorted by address; also empty ones.

        Files that a program is still writing, according to their names, are left out.
        """

    @abstractmethod
    def find(self, url: str) -> Entry | None:
        """Return the file at exactly this address, which has no wildcards; None: the file does not exist."""

    @abstractmethod
    def open(self, entry: Entry) -> AbstractContextManager[BinaryIO]:
        """Open a file.

        Raises:
            EntryChanged: it is not the listed version, or it changed while it was read.
        """

    def open_listed(self, pattern: str, entry: Entry) -> AbstractContextManager[BinaryIO]:
        """Open a file that `list` found under `pattern`, a place to which other people write.

        Raises:
            EntryChanged: it is not the listed version, or it changed while it was read.
            EntryIsLink: it is not the file itself that is there.
        """
        del pattern
        return self.open(entry)

    def probe(self, pattern: str, entry: Entry) -> None:
        """Raise what `open_listed` would raise, if that is known without cost; by default it is not."""

    @abstractmethod
    def write(self, url: str, content: Iterable[bytes]) -> Entry:
        """Write a new file, whole or not at all.

        Raises:
            EntryExists: there is a file of this name.
        """


class ConnectorUnknown(UsageError):
    def __init__(self, scheme: str, near: str) -> None:
        super().__init__(as_sentence(f"There is no connector for addresses that begin with '{scheme}://'{near}"))


class ConnectorNotInstalled(UsageError):
    def __init__(self, scheme: str, reason: str) -> None:
        super().__init__(f"The connector for '{scheme}://' needs a package that is not installed: {reason}")


class ConnectorOptionsWrong(UsageError):
    """The options of a connector have errors; names the fields, never their values."""

    def __init__(self, scheme: str, problems: Iterable[str]) -> None:
        super().__init__(f"The options for '{scheme}://' are wrong: {'; '.join(problems)}.")


class ConnectorFailed(UsageError):
    """A place cannot be reached, or refuses; the text of the driver is left out, as it may hold keys."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} cannot be reached, or refuses ({reason}). Check address, rights and network.")


class EntryChanged(UsageError):
    def __init__(self) -> None:
        super().__init__("The file changed after it was listed. It is provisioned when it is complete again.")


class EntryIsLink(UsageError):
    def __init__(self) -> None:
        super().__init__("The file is a link, is behind one, or is no regular file. Put the file itself there.")


class EntryNotListed(UsageError):
    def __init__(self) -> None:
        super().__init__("No drop zone of this lab and dataset lists such a file. It was left where it is.")


class EntryExists(UsageError):
    def __init__(self, url: str) -> None:
        super().__init__(f"{url} already exists and was not changed: choose another name.")
