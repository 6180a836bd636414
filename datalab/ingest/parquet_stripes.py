"""Keeps the columns of a row group in scratch, stripe by stripe, for row groups that do not fit into memory as a whole.

A stripe is some of the columns, decoded. Which columns fit together is decided by `datalab.ingest.parquet_pages`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from datalab.errors import OutputFailed
from datalab.ingest.parquet_text import text_of
from datalab.scratch import forget, new_file, why


class Stripes:
    """The stripes of one row group: `add` writes them in the order of their columns, `batches` reads all together.

    Numbers and times are kept as they are, as they take the least space, all other values as text. Leave the `with`
    block to free the space.

    Attributes:
        batch_bytes: the most bytes that `batches` has in memory at once.
    """

    def __init__(self, scratch: Path, check: Callable[[int], None]) -> None:
        """Make no file yet.

        Args:
            scratch: a private directory.
            check: called with the least length as CSV text of all that is written; may stop it with an exception.
        """
        self._scratch = scratch
        self._check = check
        self._paths: list[Path] = []
        self._text_bytes = 0
        self.batch_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self._paths:
            forget(path)

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a stripe.

        Raises:
            OutputFailed: there is no space.
            ArrowInvalid: it has no rows.
        """
        path = self._scratch / f"stripe-{len(self._paths)}.arrow"
        self._paths.append(path)
        writer: pa.RecordBatchStreamWriter | None = None
        largest = 0
        for batch in batches:
            kept = _kept(batch)
            self._text_bytes += _least_text_bytes(kept)
            self._check(self._text_bytes)
            largest = max(largest, kept.nbytes)
            with _disk_of(path):
                if writer is None:
                    file = pa.OSFile(str(new_file(path)), "wb")
                    writer = pa.ipc.new_stream(file, kept.schema)
                writer.write_batch(kept)
        if writer is None:
            raise pa.ArrowInvalid("rows are missing")
        with _disk_of(path):
            writer.close()
            file.close()
        self.batch_bytes += largest

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows with all columns.

        Raises:
            OutputFailed: the disk fails.
        """
        with ExitStack() as stack, _disk_of(self._scratch):
            files = [stack.enter_context(pa.OSFile(str(path), "rb")) for path in self._paths]
            readers = [iter(pa.ipc.open_stream(file)) for file in files]
            parts = [next(reader) for reader in readers]
            while all(part is not None for part in parts):
                rows = min(part.num_rows for part in parts)
                yield _side_by_side([part.slice(0, rows) for part in parts])
                for place, part in enumerate(parts):
                    parts[place] = part.slice(rows) if part.num_rows > rows else next(readers[place], None)


@contextlib.contextmanager
def _disk_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def _kept(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [column if pa.types.is_primitive(column.type) else text_of(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _least_text_bytes(batch: pa.RecordBatch) -> int:
    """Return the size of the separators, line ends and texts."""
    size: int = batch.num_rows * batch.num_columns
    for column in batch.columns:
        if pa.types.is_string(column.type):
            size += pc.sum(pc.binary_length(column), min_count=0).as_py()
    return size


def _side_by_side(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [column for batch in batches for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=[name for batch in batches for name in batch.schema.names])
