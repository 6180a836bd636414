"""Keeps every invalid row of one pass, in file order, with its reasons and as text.

The rule: docs/spec/validation.md#15-invalid-rows. `check` decides which rows are invalid, the pass which rows repeat
an earlier one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalab.ingest.records import Indexes, Records
from datalab.validation.error_codes import DUPLICATE_VALUES, NOT_ENOUGH, TOO_MANY
from datalab.validation.row_set import RowSet
from datalab.validation.rows_file import RowsFile

MAX_INVALID_ROWS = 10_000_000
"""How many invalid rows of a dataset are kept, the first ones of the file."""
LONGEST_KEPT = 32_768
"""How many characters of a value, or of a record of a wrong width, are kept; then `…` follows."""

INVALID_ROWS = pa.schema(
    [("row", pa.int64()), ("reasons", pa.string()), ("values", pa.list_(pa.string())), ("record", pa.string())]
)
"""`row` counts from 0; `reasons` are codes with blanks between them. Of a row of a wrong width in a text, `record` is
the line of CSV; otherwise `values` are its fields. Identifiers are normalised: user_id, id_name, id."""
_GROUP_ROWS = 1 << 16
_GROUP_BYTES = 4 << 20


def lists_of_rows(columns: Sequence[pa.Array]) -> pa.ListArray:
    """Return the rows of text columns as a list of values each.

    >>> lists_of_rows([pa.array(["a", "b"]), pa.array([None, "d"])]).to_pylist()
    [['a', None], ['b', 'd']]
    """
    width, rows = len(columns), len(columns[0])
    by_row = np.arange(width * rows).reshape(width, rows).T.ravel()
    values = pa.concat_arrays(columns).take(pa.array(by_row))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * width, pa.int32()), values)


def reasons_of(masks: Mapping[str, NDArray[np.bool_]], count: int) -> pa.Array:
    """Return the reasons of each of `count` rows; `masks` says per code which rows have it.

    >>> reasons_of({"B": np.array([True, True]), "A": np.array([False, True])}, 2).to_pylist()
    ['B', 'A B']
    """
    codes = sorted(masks)
    marks = np.zeros(count, np.uint64)
    for bit, code in enumerate(codes):
        marks[masks[code]] |= np.uint64(1 << bit)
    return texts_of(marks, lambda mark: [code for bit, code in enumerate(codes) if mark >> bit & 1])


def texts_of(marks: NDArray[np.unsignedinteger], codes_of: Callable[[int], list[str]]) -> pa.Array:
    """Return the reasons of rows with these marks; `codes_of` returns the codes of one mark."""
    different, which = np.unique(marks, return_inverse=True)
    texts = [" ".join(sorted(codes_of(int(mark)))) for mark in different]
    return pa.array(texts, pa.string()).take(pa.array(which))


def invalid_rows(
    records: Records, columns: list[pa.Array], indexes: Indexes, reasons: pa.Array | None
) -> pa.RecordBatch | None:
    """Return the invalid rows of a block with their index as `row`, ascending; None if there are none.

    Args:
        records: the block; its records of a wrong width are invalid rows.
        columns: of the rows of the right width that are invalid.
        indexes: of these rows among the records.
        reasons: of these rows.
    """
    parts = []
    if len(indexes):
        columns = [_cut(column) for column in columns]
        parts.append(_batch(indexes, reasons, lists_of_rows(columns), None))
    if records.odd is not None and len(records.odd):
        odd = np.concatenate([records.too_narrow, records.too_wide])
        is_wide = np.repeat([False, True], [len(records.too_narrow), len(records.too_wide)])
        order = np.argsort(odd)
        codes = pa.array([NOT_ENOUGH, TOO_MANY]).take(pa.array(is_wide[order].astype(np.int8)))
        as_lists = pa.types.is_list(records.odd.type)
        values, texts = (records.odd, None) if as_lists else (None, _cut(records.odd))
        parts.append(_batch(odd[order], codes, values, texts))
    if len(parts) < 2:
        return parts[0] if parts else None
    both = pa.concat_batches(parts)
    return both.take(pa.array(np.argsort(both["row"].to_numpy())))


def _batch(rows: Indexes, reasons: pa.Array, values: pa.Array | None, texts: pa.Array | None) -> pa.RecordBatch:
    values = pa.nulls(len(rows), INVALID_ROWS.field("values").type) if values is None else values
    texts = pa.nulls(len(rows), pa.string()) if texts is None else texts
    return pa.RecordBatch.from_arrays([pa.array(rows), reasons, values, texts], schema=INVALID_ROWS)


def _cut(column: pa.Array) -> pa.Array:
    """Return texts of at most `LONGEST_KEPT` characters; a mark follows where some were cut off."""
    if (pc.max(pc.binary_length(column)).as_py() or 0) <= LONGEST_KEPT:
        return column
    long = pc.fill_null(pc.greater(pc.utf8_length(column), LONGEST_KEPT), False)
    start = pc.utf8_slice_codeunits(column, 0, LONGEST_KEPT)
    return pc.if_else(long, pc.binary_join_element_wise(start, "…", ""), column)


class InvalidRows:
    """The invalid rows of one pass, spooled to a file in scratch; use it in a `with` block.

    Memory holds one row group and those that wait to be written.
    """

    def __init__(self, scratch: Path, name: str = "invalid.parquet", *, wanted: bool = True) -> None:
        self._scratch = scratch
        self._wanted = wanted
        self._file = RowsFile(scratch / name, INVALID_ROWS)
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self.count = 0

    def __enter__(self) -> InvalidRows:
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def has_room(self) -> bool:
        """Return whether further rows are wanted."""
        return self._wanted and self.count < MAX_INVALID_ROWS

    def add(self, first: int, found: pa.RecordBatch | None) -> None:
        """Add the invalid rows of the next block, whose first record has the number `first`."""
        if found is None or not self.has_room():
            return
        found = found.slice(0, MAX_INVALID_ROWS - self.count)
        self.count += found.num_rows
        rows = pc.add(found.column(0), pa.scalar(first, pa.int64()))
        self._waiting.append(pa.RecordBatch.from_arrays([rows, *found.columns[1:]], schema=INVALID_ROWS))
        self._bytes += found.get_total_buffer_size()
        if self._bytes >= _GROUP_BYTES or sum(batch.num_rows for batch in self._waiting) >= _GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        """Write what waits and close the file."""
        self._flush()
        self._file.finish()

    def with_duplicates(self, repeated: RowSet, dropped: Iterator[pa.Table]) -> Path:
        """Return the file of all invalid rows, of which the `repeated` ones have no other reason; only after `finish`.

        Args:
            repeated: the rows that repeat an earlier one.
            dropped: those of them that were not added, with `row`, ascending; read to the end.
        """
        if not self._wanted or not repeated.count:
            deque(dropped, 0)
            return self._file.path
        with InvalidRows(self._scratch, "all-invalid.parquet") as every:
            for table in _in_row_order(self._added(repeated), map(_as_duplicates, dropped)):
                for batch in table.combine_chunks().to_batches():
                    every.add(0, batch)
            every.finish()
        return every._file.path

    def _flush(self) -> None:
        if self._waiting:
            batch = pa.concat_batches(self._waiting)
            self._file.append(batch, 0, batch.num_rows, None)
        self._waiting, self._bytes = [], 0

    def _added(self, repeated: RowSet) -> Iterator[pa.Table]:
        """Yield the added rows; what repeats an earlier row is checked for nothing else."""
        with pq.ParquetFile(self._file.path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                again = pa.array(repeated.contains(table["row"].to_numpy()))
                yield table.set_column(1, "reasons", pc.if_else(again, DUPLICATE_VALUES, table["reasons"]))


def _as_duplicates(rows: pa.Table) -> pa.Table:
    columns = [pc.cast(column, pa.string()).combine_chunks() for column in rows.columns[1:]]
    reasons = pa.repeat(pa.scalar(DUPLICATE_VALUES), rows.num_rows)
    found = _batch(rows["row"].to_numpy(), reasons, lists_of_rows([_cut(column) for column in columns]), None)
    return pa.Table.from_batches([found])


def _in_row_order(*streams: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Merge streams of tables that ascend by `row`; of each, one table is in memory."""
    sources = [filter(len, stream) for stream in streams]
    heads = [next(source, None) for source in sources]
    while present := [head for head in heads if head is not None]:
        bound = min(head["row"][-1].as_py() for head in present)
        parts = []
        for place, head in enumerate(heads):
            if head is None:
                continue
            until = int(np.searchsorted(head["row"].to_numpy(), bound, side="right"))
            parts.append(head.slice(0, until))
            heads[place] = head.slice(until) if until < len(head) else next(sources[place], None)
        merged = pa.concat_tables(parts)
        yield merged.take(pa.array(np.argsort(merged["row"].to_numpy())))
