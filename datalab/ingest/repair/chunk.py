"""The records of one block between reading and writing: columns of text, and lines of records of another width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalab.ingest.records import Indexes

Mask = NDArray[np.bool_]

_SPECIAL = (b'"', b",", b"\n", b"\r", b"\xef\xbb\xbf")
_MUST_BE_QUOTED = r'[",\r\n]|\A\x{feff}'
_NEEDS_QUOTES = re.compile('[",\r\n]|\\A\ufeff')
_QUOTE = '"'
_GRAPHIC = bytes(range(0x21, 0x7F))


def _no_lines() -> pa.StringArray:
    return pa.array([], pa.string())


def _no_indexes() -> Indexes:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records in the order of their places.

    Records of another width than the usual one are kept as they are: no step changes their cells.
    """

    columns: tuple[pa.StringArray, ...]
    """The rows of the usual width, by column; null where a cell is empty."""
    at: Indexes
    """The place of each row among the records of the block, ascending; several rows can have the same."""
    odd: pa.StringArray = field(default_factory=_no_lines)
    """The other records, each as a line of CSV."""
    odd_at: Indexes = field(default_factory=_no_indexes)
    names: tuple[str, ...] = ()
    """What a header calls the columns; known only while steps are proposed."""
    is_first: bool = False
    is_last: bool = False

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self.at) + len(self.odd)

    def with_columns(self, columns: Sequence[pa.StringArray]) -> Chunk:
        """Return the chunk with other cells in the same rows."""
        return replace(self, columns=tuple(columns))

    def select(self, order: Sequence[int]) -> Chunk:
        """Return the chunk with these of its columns, in this order."""
        names = tuple(self.names[number] for number in order) if self.names else ()
        return replace(self, columns=tuple(self.columns[number] for number in order), names=names)

    def kept(self, rows: Mask, odd: Mask | None = None) -> Chunk:
        """Return only the rows, and the other records, that are marked."""
        columns = tuple(column.filter(pa.array(rows)) for column in self.columns)
        if odd is None:
            return replace(self, columns=columns, at=self.at[rows])
        return replace(
            self, columns=columns, at=self.at[rows], odd=self.odd.filter(pa.array(odd)), odd_at=self.odd_at[odd]
        )

    def with_unchanged(self, rows: Mask) -> Chunk:
        """Return the chunk with the marked rows among the records that no further step changes."""
        if not rows.any():
            return self
        marked = pa.array(rows)
        lines = lines_of([column.filter(marked) for column in self.columns])
        odd = pa.concat_arrays([self.odd, lines])
        odd_at = np.concatenate([self.odd_at, self.at[rows]])
        order = np.argsort(odd_at, kind="stable")
        left = self.kept(~rows)
        return replace(left, odd=odd.take(pa.array(order)), odd_at=odd_at[order])

    def text(self) -> bytes:
        """Return the records as CSV in UTF-8, a line feed behind each."""
        if len(self.columns) > 1 and not len(self.odd):
            return _ended(self.columns)
        lines = lines_of(self.columns) if len(self.at) else _no_lines()
        if len(self.odd):
            order = np.argsort(np.concatenate([self.at, self.odd_at]), kind="stable")
            lines = pa.concat_arrays([lines, self.odd]).take(pa.array(order))
        ended = pc.binary_join_element_wise(lines, "", "\n")
        return bytes_of(ended)


def _ended(columns: Sequence[pa.StringArray]) -> bytes:
    """Return the rows of several columns as lines with their ends, in one pass over their text."""
    cells = [_quoted(column) for column in columns]
    joined = pc.binary_join_element_wise(*cells, "", ",", null_handling="replace", null_replacement="")
    if not len(joined):
        return b""
    offsets = np.frombuffer(joined.buffers()[1], np.int32)[joined.offset : joined.offset + len(joined) + 1]
    octets = np.frombuffer(bytes_of(joined), np.uint8).copy()
    octets[offsets[1:] - offsets[0] - 1] = ord("\n")  # the comma before the empty text at the end of each line
    return octets.tobytes()


def lines_of(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Return each row as a line of CSV without its end; cells have quotes only where they need them."""
    if len(columns) == 1:
        only = pc.fill_null(_quoted(columns[0]), "")
        is_blank = pc.or_(pc.equal(only, ""), pc.utf8_is_space(only))
        return pc.if_else(is_blank, pc.binary_join_element_wise('"', only, '"', ""), only)
    cells = [_quoted(column) for column in columns]
    return pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")


def line_of(record: Sequence[str]) -> str:
    """Return one record as a line of CSV without its end.

    >>> line_of(["u1", "Food, drink"]), line_of([" "])
    ('u1,"Food, drink"', '" "')
    """
    if len(record) == 1 and not record[0].strip():
        return f'"{record[0]}"'
    return ",".join(f'"{cell.replace(_QUOTE, 2 * _QUOTE)}"' if _NEEDS_QUOTES.search(cell) else cell for cell in record)


def bytes_of(column: pa.StringArray) -> bytes:
    """Return the bytes of all cells of a column, one after the other."""
    if not len(column):
        return b""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return data[int(ends[0]) : int(ends[-1])].to_pybytes() if data is not None else b""


def is_graphic(column: pa.StringArray) -> bool:
    """Return whether all cells consist of visible ASCII characters."""
    return not bytes_of(column).translate(None, _GRAPHIC)


def as_mask(values: pa.BooleanArray) -> Mask:
    """Return truth values as numpy; null is false."""
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _quoted(column: pa.StringArray) -> pa.StringArray:
    data = bytes_of(column)
    if not any(character in data for character in _SPECIAL):
        return column
    needed = pc.match_substring_regex(column, _MUST_BE_QUOTED)
    doubled = pc.replace_substring(column, '"', '""') if b'"' in data else column
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), column)
