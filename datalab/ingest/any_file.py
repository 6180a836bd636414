"""Where the bytes of a file come from: a path, or a stored dataset that is decrypted while it is read."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from datalab.errors import InputMissing, InputUnreadable

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    """The content of a stored dataset, which never changes and is nowhere in plain text."""

    name: str
    """For messages."""
    open: Callable[[], BinaryIO]
    """Opens it at its beginning; what it returns can seek, and is closed independently of others."""

    def __str__(self) -> str:
        return self.name


AnyFile = Path | StoredFile


def open_bytes(file: AnyFile) -> BinaryIO:
    """Return a file opened at its beginning; it can seek.

    Raises:
        OSError: it cannot be opened.
        StorageError: a stored dataset cannot be read.
    """
    if isinstance(file, Path):
        return file.open("rb", buffering=0)
    # A reader of encrypted chunks may return less than it was asked for.
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", file.open()), _BUFFER_BYTES))


def open_to_recognise(file: AnyFile) -> BinaryIO:
    """Return a file opened at its beginning, as `open_bytes` does.

    Raises:
        InputMissing, InputUnreadable: there is no such file, or it cannot be read.
    """
    try:
        if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would block
            raise InputUnreadable(file, "not a regular file")
        return open_bytes(file)
    except FileNotFoundError:
        raise InputMissing(str(file)) from None
    except OSError as error:
        raise InputUnreadable(str(file), error.strerror or "read error") from None
