"""Frames and tables of other programs as the CSV file that they stand for: how each value is written.

Every value is written as Python's `str` writes it, and a missing one (null, None, NaN, NaT) as an empty cell: the file
that `frame.to_csv(index=False, header=False)` of pandas writes, but a date and time always with its time. A cell is
quoted only if it contains a comma, a quote or a line end. Columns are taken in their order; an index is not written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from datalab.errors import UsageError, as_sentence, suggestion

_ROWS = 1 << 16
"""Number of rows that are converted at once."""
_ARROW = "__arrow_c_stream__"
"""The method by which Arrow tables, Polars frames and DuckDB relations hand out their rows."""
_SPECIAL = '[",\r\n]'
_SMALLEST, _LARGEST = 1e-4, 1e10
"""From here to there Arrow writes a number as Python does, but for the point of a whole one."""


class NotAFrame(UsageError):
    """A value is neither a frame nor a table; `what` is where it comes from."""

    def __init__(self, what: str, value: object) -> None:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        super().__init__(
            f"{what} is a {name}, which is no dataset: expected a path, an fsspec URL, or a table of pandas, Polars, "
            f"Arrow or DuckDB. {_advice(value)} Nothing was checked."
        )


def _advice(value: object) -> str:
    if callable(getattr(value, "collect", None)):
        return "Call its method collect() in the asset that returns it."
    if isinstance(value, dict):
        return "An IO manager loads several partitions as a dict: give the lab the partitions of the asset."
    return "Change the asset that returns it, or its IO manager."


class ColumnUnusable(UsageError):
    """A column of a frame holds values that a CSV file has no text for."""

    def __init__(self, position: int, type_name: str) -> None:
        super().__init__(
            f"Column {position} (counted from 0) of the table has values of the type {type_name}, which a CSV file "
            "cannot hold. Make them text or numbers. Nothing was checked."
        )


class ColumnsMissing(UsageError):
    """A frame does not have the columns that were asked for."""

    def __init__(self, missing: Sequence[str], names: Sequence[str]) -> None:
        wanted = ", ".join(f"'{name}'" for name in missing)
        sentence = as_sentence(f"The table has no column {wanted}{suggestion(missing[0], names)}")
        super().__init__(f"{sentence} Nothing was checked.")


def is_frame(value: object) -> bool:
    """Return whether a value is a frame or a table.

    >>> is_frame(pa.table({"user_id": ["u-1"]})), is_frame("segments.csv")
    (True, False)
    """
    return hasattr(value, _ARROW)


def write_csv(frame: Any, path: Path, columns: Sequence[str] | None = None, what: str = "The value") -> None:
    """Write a frame or table, or the `columns` of it in this order, as a CSV file without header.

    Memory does not grow with the frame; a reader of Arrow batches is read once.

    Args:
        frame: of pandas, Polars, Arrow or DuckDB.
        path: of the file.
        columns: names of columns; None: all.
        what: the frame, for messages.

    Raises:
        NotAFrame, ColumnsMissing, ColumnUnusable: it cannot be written.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "segments.csv"
        ...     write_csv(pd.DataFrame({"user_id": ["u-1", "u,2"], "age": [1.0, None]}), path)
        ...     path.read_text()
        'u-1,1.0\\n"u,2",\\n'
    """
    with path.open("wb") as file:
        for cells in _batches(frame, columns, what):
            text = [cells_as_text(cell, position) for position, cell in enumerate(cells)]
            if text and len(text[0]):
                file.write(_lines(text))


def cells_as_text(cells: pa.Array, position: int = 0) -> pa.Array:
    """Return cells as their text in a file; null where one is missing.

    Raises:
        ColumnUnusable: no text stands for values of this type; names the column at `position`.

    >>> cells_as_text(pa.array([1.0, 1e-7, float("nan")])).to_pylist()
    ['1.0', '1e-07', None]
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return cells_as_text(cells.dictionary_decode(), position)
    if pa.types.is_floating(kind):
        return _floats_as_text(cells)
    if pa.types.is_boolean(kind):
        return pc.if_else(cells, "True", "False")
    if isinstance(kind, pa.UuidType) or pa.types.is_temporal(kind):
        objects = pd.Series(cells.to_pandas(), dtype=object)
        return pa.array([None if pd.isna(value) else str(value) for value in objects], pa.string())
    if pa.types.is_nested(kind) or _is_binary(kind) or isinstance(kind, pa.BaseExtensionType):
        raise ColumnUnusable(position, str(kind))
    return cells.cast(pa.string())


def _is_binary(kind: pa.DataType) -> bool:
    return any(is_one(kind) for is_one in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary))


def _floats_as_text(cells: pa.Array) -> pa.Array:
    """Return floats as Python writes them: the shortest text of the number, with a point or an exponent."""
    cells = cells.cast(pa.float32()) if pa.types.is_float16(cells.type) else cells
    cells = pc.if_else(pc.is_nan(cells), None, cells)
    text = pc.replace_substring_regex(cells.cast(pa.string()), r"^(-?[0-9]+)$", r"\1.0")
    size = pc.abs(cells)
    differs = pc.fill_null(pc.or_(pc.less(size, _SMALLEST), pc.greater_equal(size, _LARGEST)), False)
    if not pc.any(differs).as_py():
        return text
    numbers = cells.filter(differs).to_numpy(zero_copy_only=False)
    return pc.replace_with_mask(text, differs, pa.array([str(number) for number in numbers], pa.string()))


def _batches(frame: Any, columns: Sequence[str] | None, what: str) -> Iterator[list[pa.Array]]:
    """Yield the columns of a frame, some rows at a time."""
    if isinstance(frame, pd.DataFrame):
        chosen = _chosen([str(name) for name in frame.columns], columns)
        for start in range(0, len(frame), _ROWS):
            rows = frame.iloc[start : start + _ROWS]
            yield [as_arrow(rows.iloc[:, position], position) for position in chosen]
        return
    try:
        stream = pa.RecordBatchReader.from_stream(frame)
    except (pa.ArrowException, TypeError):  # one column is no table
        raise NotAFrame(what, frame) from None
    with stream as reader:
        chosen = _chosen(reader.schema.names, columns)
        for batch in reader:
            for start in range(0, batch.num_rows, _ROWS):
                rows = batch.slice(start, _ROWS)
                yield [rows.column(position) for position in chosen]


def _chosen(names: Sequence[str], columns: Sequence[str] | None) -> list[int]:
    """Return the positions of the wanted columns."""
    if columns is None:
        return list(range(len(names)))
    if missing := [name for name in columns if name not in names]:
        raise ColumnsMissing(missing, names)
    return [names.index(name) for name in columns]


def as_arrow(cells: pd.Series, position: int = 0) -> pa.Array:
    """Return a column of a pandas frame as Arrow; objects of several types as their text.

    Raises:
        ColumnUnusable: no text stands for one of them.

    >>> as_arrow(pd.Series([1, "a", None])).to_pylist()
    ['1', 'a', None]
    """
    try:
        values = pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # its text may quote a value
        return pa.array([_text_of(cell, position) for cell in cells], pa.string())
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _text_of(cell: Any, position: int) -> str | None:
    if pd.api.types.is_scalar(cell) and not isinstance(cell, bytes):
        return None if pd.isna(cell) else str(cell)
    raise ColumnUnusable(position, type(cell).__qualname__)


def _lines(columns: list[pa.Array]) -> memoryview:
    """Return rows as lines; a row of one empty cell is a quoted one, since empty lines are no rows."""
    empty = '""' if len(columns) == 1 else ""
    cells = [pc.fill_null(_quoted(column), empty) for column in columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, ","), "", "\n")
    return memoryview(lines.buffers()[2])[: pc.sum(pc.binary_length(lines)).as_py()]


def _quoted(cells: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(cells, _SPECIAL)
    if not pc.any(needs).as_py():
        return cells
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")
    return pc.if_else(needs, quoted, cells)
