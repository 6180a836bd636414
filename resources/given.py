"""What an asset of another project gives as a dataset: a file at any address, or a table, as a local file."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from upath import UPath

from datalab.errors import InputError, InputMissing, InputUnreadable
from datalab.ingest.frames import NotAFrame, is_frame, write_csv
from datalab.scratch import forget, new_file, why


class NoSuchFile(InputError):
    """An asset gave a text that is not the path of a file. The text may be the data, so that it is not shown."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is a text that is neither the path nor the fsspec URL of a file (not shown: it may be data). "
            "Return the path of an existing file, or a table. Nothing was checked."
        )


@contextlib.contextmanager
def given_file(value: object, what: str, scratch: Path, columns: Sequence[str] | None = None) -> Iterator[Path]:
    """Yield what an asset gave as a file on this machine: as it is, copied, or written as CSV to `scratch`.

    Args:
        value: a path, an fsspec URL, or a table.
        what: the value, for messages.
        scratch: a private directory.
        columns: of a table, in the order of the dataset's; None: all of them, in their order.

    Raises:
        NotAFrame: the value is none of these.
        NoSuchFile, InputMissing, InputUnreadable: the file does not exist, or cannot be read.
        ColumnsMissing, ColumnUnusable: the table cannot be written as CSV.
    """
    if isinstance(value, str):
        value = _path_of(value, what)
    if isinstance(value, Path):
        if not value.exists():
            raise InputMissing(value)
        yield value
        return
    copy = scratch / "given.csv"
    try:
        new_file(copy)
        if is_frame(value):
            write_csv(value, copy, columns, what)
        elif isinstance(value, UPath):
            _fetch(value, copy)
        else:
            raise NotAFrame(what, value)
        yield copy
    finally:
        forget(copy)


def _path_of(text: str, what: str) -> UPath:
    try:
        path = UPath(text)
        if not isinstance(path, Path) or path.exists():
            return path
    except (OSError, ValueError, ImportError):  # its text may repeat the value
        pass
    raise NoSuchFile(what)


def _fetch(source: UPath, copy: Path) -> None:
    try:
        with source.open("rb") as read, copy.open("wb") as written:
            shutil.copyfileobj(read, written)
    except FileNotFoundError:
        raise InputMissing(str(source)) from None
    except OSError as error:
        raise InputUnreadable(str(source), why(error)) from None
    except Exception as error:  # noqa: BLE001 - drivers share no base class, and their text may hold addresses and keys
        raise InputUnreadable(str(source), type(error).__name__) from None
