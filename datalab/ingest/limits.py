"""How much of a file may be in memory at once, whatever the file says; docs/security.md lists the numbers.

A file that exceeds a limit gets a report (docs/spec/validation.md#q28-records-longer-than-16-mib), never an error of
memory.
"""

from __future__ import annotations

RECORD_BYTES = 16 << 20
"""The longest record, in UTF-8 with its quotes and without its line end; also the longest value of a Parquet file."""

BLOCK_BYTES = 8 << 20
"""Text is cut into blocks of about this size; a block holds more only if a record does."""

BLOCK_RECORDS = 500_000
"""How many records a block has at most, for narrow rows."""

BLOCK_CELLS = 2_000_000
"""How many cells the records of a block have at most."""

BLOCKS_UNDER_WAY_BYTES = 96 << 20
"""How many bytes of text, or of decoded Parquet values, are read and checked at the same time."""

PARQUET_BATCH_BYTES = 64 << 20
"""How many bytes the rows of a Parquet file decode to that are decoded at once."""

PARQUET_RESIDENT_BYTES = 800 << 20
"""How many bytes the footer and the pages of a row group, or of a stripe of its columns, may need to be read."""

PARQUET_STRIPES = 200
"""How many stripes of columns a row group may have; each is a file that is open twice."""

PARQUET_PAGES = 1_000_000
"""How many pages a Parquet file may have."""

PARQUET_ROWS = 1_000_000_000
"""How many rows a Parquet file may have: the file need not be long for that."""

PARQUET_TEXT_BYTES = 1 << 30
PARQUET_TEXT_RATIO = 1_000
"""How long the rows, as text, or the pages may be: `PARQUET_TEXT_BYTES` and so many times the length of the file."""

PARQUET_FOOTER_BYTES = 32 << 20
"""The longest footer of a Parquet file."""

PARQUET_FOOTER_MEMORY_BYTES = 400 << 20
"""How many bytes a footer of a Parquet file may need in memory."""

ZIP_MEMBERS = 10_000
"""How many members a zip archive may have."""

ZIP_DIRECTORY_BYTES = 64 << 20
"""The longest central directory of a zip archive."""


class RecordTooLongError(Exception):
    """A record is longer than `RECORD_BYTES`.

    Attributes:
        offset: its index, counted from the first record that was not handed out yet.
    """

    def __init__(self, offset: int = 0) -> None:
        super().__init__(offset)
        self.offset = offset
