"""Parquet files with Modular Encryption: footer and all columns encrypted. This module does not know the columns."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import create_decryption_properties, create_encryption_properties

from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.scratch import publish, why
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.files import private_file
from datalab.storage.keys import Key

BATCH_ROWS = 1 << 16


class ParquetCipher:
    """How one Parquet file is encrypted: by a data key and a context that identifies the file.

    The context is bound to every module of the file but not stored in it: a file that replaces another cannot be
    read. Give the properties to pyarrow's writers and readers.

    >>> import tempfile
    >>> cipher = ParquetCipher(Key(), "lab-1/users")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = Path(directory) / "users.parquet"
    ...     pq.write_table(pa.table({"id": [1, 2]}), path, encryption_properties=cipher.encryption)
    ...     sum(batch.num_rows for batch in cipher.read_batches(path))
    2
    """

    def __init__(self, key: Key, context: str) -> None:
        self._bound = f"datalab parquet 1\0{context}".encode()
        self._key = key.derive("parquet", self._bound)

    @property
    def encryption(self) -> object:
        """The `encryption_properties` of a `pq.ParquetWriter`; every writer needs its own."""
        return create_encryption_properties(self._key.material, aad_prefix=self._bound, store_aad_prefix=False)

    @property
    def decryption(self) -> object:
        """The `decryption_properties` of a `pq.ParquetFile`; every reader needs its own."""
        return create_decryption_properties(self._key.material, aad_prefix=self._bound)

    @contextlib.contextmanager
    def open(self, source: Path | BinaryIO, path: str | os.PathLike[str] = "") -> Iterator[pq.ParquetFile]:
        """Open an encrypted file; errors of pyarrow about this file in the block are translated as well.

        Args:
            source: the file; an open one, if it is not on this machine.
            path: its name in messages; by default that of `source`.

        Raises:
            InputMissing, InputUnreadable: there is no such file, or the disk fails.
            EncryptedFileDamaged: it was changed or is not encrypted, or key or context are different.
        """
        path = path or (source if isinstance(source, Path) else "")
        try:
            with pq.ParquetFile(source, decryption_properties=self.decryption) as file:
                yield file
        except FileNotFoundError:
            raise InputMissing(path) from None
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno:
                raise InputUnreadable(path, why(error)) from None
            raise EncryptedFileDamaged(path) from None  # the text of pyarrow may repeat parts of the file

    def read_batches(
        self, path: Path, columns: Sequence[str] | None = None, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of an encrypted file in batches; one row group at a time is in memory.

        Raises:
            InputMissing, InputUnreadable, EncryptedFileDamaged: see `open`.
        """
        with self.open(path) as file:
            batches = file.iter_batches(batch_rows, columns=None if columns is None else list(columns))
            while (batch := next(batches, None)) is not None:
                yield batch

    def encrypt_to(self, rows: pq.ParquetFile, path: Path) -> None:
        """Write an open plain file encrypted to `path`, with the same row groups; only its owner may read it.

        Raises:
            OSError: it cannot be written, or the plain file cannot be read.
        """
        path.touch(mode=0o600)
        dictionary, statistics = _layout(rows)
        writer = pq.ParquetWriter(
            path,
            rows.schema_arrow,
            use_dictionary=dictionary,
            write_statistics=statistics,
            compression="none",
            encryption_properties=self.encryption,
        )
        with writer:
            for group in range(rows.num_row_groups):
                table = rows.read_row_group(group)
                writer.write_table(table, row_group_size=max(1, table.num_rows))

    def decrypt_to(self, path: Path, plain: Path) -> None:
        """Write an encrypted file as plain Parquet with the same row groups, for engines that cannot decrypt.

        `plain` belongs in a private scratch directory; it appears whole or not at all.

        Raises:
            InputMissing, InputUnreadable, EncryptedFileDamaged: see `open`.
            OutputFailed: the plain file cannot be written.
        """
        with self.open(path) as file:
            try:
                with private_file(plain) as (_, part):
                    self._copy(path, file, part)
                    publish(part, plain)
            except OSError as error:
                raise OutputFailed(plain, why(error)) from None

    def _copy(self, path: Path, file: pq.ParquetFile, part: Path) -> None:
        schema, dictionary, statistics = file.schema_arrow, *_layout(file)
        writer = pq.ParquetWriter(
            part, schema, use_dictionary=dictionary, write_statistics=statistics, compression="none"
        )
        with writer:
            for group in range(file.num_row_groups):
                try:
                    rows = file.read_row_group(group)
                except OSError as error:
                    if error.errno:
                        raise InputUnreadable(path, why(error)) from None
                    raise EncryptedFileDamaged(path) from None
                writer.write_table(rows, row_group_size=max(1, rows.num_rows))


def _layout(file: pq.ParquetFile) -> tuple[list[str], list[str]]:
    """Return which columns of the first row group have a dictionary, and which have statistics."""
    if not file.num_row_groups:
        return [], []
    group = file.metadata.row_group(0)
    columns = [group.column(position) for position in range(group.num_columns)]
    dictionary = [column.path_in_schema for column in columns if column.has_dictionary_page]
    return dictionary, [column.path_in_schema for column in columns if column.is_stats_set]
