"""Checks the records of one block: which rows are valid, what is wrong with the others.

A block is checked alone, on any thread; what concerns several blocks (totals, caps, duplicates) does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalab.engines import Engine, Hashes
from datalab.ingest.formats import has_format
from datalab.ingest.limits import BLOCK_RECORDS
from datalab.ingest.records import Indexes, Records
from datalab.kinds import EMPTY_CELL, INVALID_FLOAT_FORMAT, ColumnType, IdFormat, ReportForm
from datalab.kinds.arrow import ARROW_TYPES
from datalab.lab import USER_ID, LabDefinition
from datalab.validation.error_codes import NOT_ENOUGH, TOO_MANY
from datalab.validation.flags import IdentifierFlags
from datalab.validation.invalid_rows import InvalidRows, invalid_rows, reasons_of, texts_of
from datalab.validation.judge import Sample, sample_of
from datalab.validation.key_spool import Flags
from datalab.validation.marks import Counts, Look
from datalab.validation.schemas import DatasetSchema, Failure, failures

CELL_ERROR_CAP = 499
SCHEMA_ERROR_CAP = 500
LONGEST_SHOWN = 32_768
"""How many characters of a value a report quotes."""
_NAMES_BYTES = 16 << 20


class TextNeededError(Exception):
    """A block that was read as numbers has an invalid row, which is shown and kept as it was written."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """One wrong cell, with its record's index in the block."""

    index: int
    column: int
    code: str
    message: str


@dataclass(slots=True)
class Checked:
    """A block after its checks; index 0 is the block's first record."""

    records: Records
    valid: pa.RecordBatch
    """The valid rows, typed; duplicates are still among them."""
    valid_indexes: Indexes | None
    """Indexes of the valid rows among the records; None if every record is valid."""
    hashes: Hashes
    """A hash of the key of each row that may be or have a duplicate."""
    hashed_indexes: Indexes | None
    sample: Sample
    """Some of its rows, for the pandera schema."""
    flags: Flags | None = None
    """Identifiers: what is wrong with each hashed row, see `IdentifierFlags`."""
    rejected: pa.RecordBatch | None = None
    """Identifiers: the invalid rows of the right width, normalised, as text, with `index` and `flags`."""
    invalid_rows: int = 0
    """Rows of the right width with a wrong cell."""
    rows_by_code: dict[str, int] = field(default_factory=dict)
    cells_by_column: dict[int, int] = field(default_factory=dict)
    invalid: pa.RecordBatch | None = None
    """The invalid rows as they are kept, if they are wanted; see `invalid_rows`."""
    cell_faults: list[CellFault] = field(default_factory=list)
    """The first cell errors of the block in order of row and column, up to the limit of a report."""
    marks: Counts = field(default_factory=Counts)


def records_per_block(lab: LabDefinition, schema: DatasetSchema) -> int:
    """Return how many records may be checked at once: of identifiers, every row holds the name of its id."""
    if schema.report_form is not ReportForm.IDS:
        return BLOCK_RECORDS
    longest = max(len(entry.id_name.encode()) for entry in lab.identifiers_config)
    return min(BLOCK_RECORDS, _NAMES_BYTES // longest)


def check_rows(records: Records, schema: DatasetSchema, engine: Engine, look: Look, invalid: InvalidRows) -> Checked:
    """Check the rows of a segments, demographics or embeddings block; keep the invalid ones while they are wanted.

    Raises:
        TextNeededError: numbers were read without their text.
    """
    rows = records.rows
    found = failures(schema, rows) if rows.num_rows else []
    if found and records.has_numbers:
        raise TextNeededError
    valid, indexes = rows, records.indexes
    if found:
        good = ~np.logical_or.reduce([failure.rows for failure in found])
        valid, indexes = rows.filter(pa.array(good)), np.flatnonzero(good) if indexes is None else indexes[good]
    valid = _typed(valid, schema)
    hashes = engine.key_hashes([valid.column(index) for index in schema.key])
    sample = sample_of(schema, rows, found)
    checked = Checked(records, valid, indexes, hashes, indexes, sample, marks=look.at_rows(records, found))
    if invalid.has_room():
        checked.invalid = _invalid_rows(records, found)
    if found:
        checked.invalid_rows = rows.num_rows - valid.num_rows
        checked.rows_by_code = {code: int(mask.sum()) for code, mask in _masks_by_code(found).items()}
        for failure in found:
            before = checked.cells_by_column.get(failure.column, 0)
            checked.cells_by_column[failure.column] = before + int(failure.rows.sum())
        checked.cell_faults = _cell_faults(found, rows, records.indexes)
    return checked


def _masks_by_code(found: list[Failure]) -> dict[str, NDArray[np.bool_]]:
    """Return which rows fail each code."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for failure in found:
        code = failure.check.code
        masks[code] = masks[code] | failure.rows if code in masks else failure.rows
    return masks


def _invalid_rows(records: Records, found: list[Failure]) -> pa.RecordBatch | None:
    masks = _masks_by_code(found)
    if not masks:
        return invalid_rows(records, [], np.arange(0), None)
    bad = np.flatnonzero(np.logical_or.reduce(list(masks.values())))
    rows = records.rows.take(pa.array(bad))
    reasons = reasons_of({code: mask[bad] for code, mask in masks.items()}, len(bad))
    return invalid_rows(records, rows.columns, bad if records.indexes is None else records.indexes[bad], reasons)


def _cell_faults(found: list[Failure], rows: pa.RecordBatch, indexes: Indexes | None) -> list[CellFault]:
    found = sorted(found, key=lambda failure: (failure.column, failure.check.code))
    failing = np.flatnonzero(np.logical_or.reduce([failure.rows for failure in found]))[:CELL_ERROR_CAP]
    by_row = np.array([failure.rows[failing] for failure in found]).T
    faults = []
    for place in np.flatnonzero(by_row)[:CELL_ERROR_CAP]:
        row, failure = int(failing[place // len(found)]), found[place % len(found)]
        message = "Cell contains no value"
        if failure.check.code != EMPTY_CELL:
            value = shown(rows.column(failure.column)[row].as_py())
            is_number = failure.check.code == INVALID_FLOAT_FORMAT
            message = f"Value '{value}' is not {'a valid floating point number' if is_number else 'of its id type'}"
        index = row if indexes is None else int(indexes[row])
        faults.append(CellFault(index, failure.column, failure.check.code, message))
    return faults


def shown(value: str) -> str:
    """Return a value as a report quotes it: a very long one is cut off.

    See docs/spec/validation.md#q28-records-longer-than-16-mib.
    """
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"


def shortened(table: pa.Table) -> pa.Table:
    """Return a table whose texts are hardly longer than what a report quotes of them."""
    columns = [
        pc.utf8_slice_codeunits(column, 0, LONGEST_SHOWN + 1) if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _typed(rows: pa.RecordBatch, schema: DatasetSchema) -> pa.RecordBatch:
    """Return the rows with the types of the valid rows; NaN becomes null (docs/spec/validation.md#q18-nan)."""
    columns = rows.columns
    numbers = [index for index, spec in enumerate(schema.rows) if spec.type is ColumnType.NUMBER]
    if numbers and pa.types.is_string(columns[numbers[0]].type):  # all at once: there may be thousands of such columns
        cells = pc.cast(pa.concat_arrays([columns[index] for index in numbers]), ARROW_TYPES[ColumnType.NUMBER])
        cells = pc.if_else(pc.is_nan(cells), None, cells)
        for place, index in enumerate(numbers):
            columns[index] = cells.slice(place * rows.num_rows, rows.num_rows)
    return pa.RecordBatch.from_arrays(columns, schema=schema.arrow)


def check_identifiers(
    records: Records,
    schema: DatasetSchema,
    lab: LabDefinition,
    flags: IdentifierFlags,
    engine: Engine,
    look: Look,
    invalid: InvalidRows,
) -> Checked:
    """Check the rows of an identifiers block; duplicates are found later, from hashes and flags."""
    rows = normalised(records.rows, lab, schema)
    found = failures(schema, rows) if rows.num_rows else []
    marks = np.zeros(rows.num_rows, np.uint16)
    for failure in found:
        if failure.check.code == EMPTY_CELL:
            marks[failure.rows] = IdentifierFlags.MISSING
    complete = marks == 0
    for failure in found:
        if failure.check.code != EMPTY_CELL:
            of_user = failure.check.name == IdFormat.USER_ID
            mark = np.uint16(flags.USER_ID_FORMAT) if of_user else flags.wrong_id(failure.check.code)
            marks[failure.rows & complete] |= mark
    _mark_unknown_names(marks, rows, lab)
    _mark_wrong_case(marks, rows, lab)
    wrong = (marks & IdentifierFlags.INVALID) != 0
    hashes = engine.key_hashes(rows.columns)
    sample = sample_of(schema, rows, found)
    checked = Checked(records, rows, records.indexes, hashes, records.indexes, sample, marks if marks.any() else None)
    kinds = (IdentifierFlags.USER_ID_FORMAT, IdentifierFlags.ID_FORMAT, IdentifierFlags.UNKNOWN_NAME)
    checked.marks = look.at_ids(records, rows, *((marks & flag) != 0 for flag in kinds))
    if not wrong.any():
        checked.valid = _typed(rows, schema)
    else:
        indexes = np.arange(rows.num_rows) if records.indexes is None else records.indexes
        checked.valid = _typed(rows.filter(pa.array(~wrong)), schema)
        checked.valid_indexes = indexes[~wrong]
        checked.rejected = pa.RecordBatch.from_arrays(
            [*rows.filter(pa.array(wrong)).columns, pa.array(indexes[wrong]), pa.array(marks[wrong])],
            names=[*rows.schema.names, "index", "flags"],
        )
    if invalid.has_room():
        bad = checked.rejected
        codes = bad and texts_of(bad["flags"].to_numpy(), flags.codes_of)
        columns = bad.columns[: rows.num_columns] if bad else []
        checked.invalid = invalid_rows(records, columns, bad["index"].to_numpy() if bad else np.arange(0), codes)
    return checked


def normalised(rows: pa.RecordBatch, lab: LabDefinition, schema: DatasetSchema) -> pa.RecordBatch:
    """Return the rows of a file of any width as (user_id, id_name, id).

    See docs/spec/validation.md#113-normalised-rows.
    """
    columns = rows.columns
    if lab.num_identifiers_columns < 3:
        name = USER_ID if lab.num_identifiers_columns == 1 else lab.other_id.id_name
        columns = [columns[0], pa.repeat(pa.scalar(name, pa.string()), rows.num_rows), columns[-1]]
    return pa.RecordBatch.from_arrays(columns, names=[column.name for column in schema.rows])


def _mark_unknown_names(marks: Flags, rows: pa.RecordBatch, lab: LabDefinition) -> None:
    if lab.num_identifiers_columns == 3:
        known = pa.array([entry.id_name for entry in lab.identifiers_config])
        unknown = pc.and_(pc.is_valid(rows.column(1)), pc.invert(pc.is_in(rows.column(1), known)))
        marks[unknown.to_numpy(zero_copy_only=False) & (marks == 0)] |= np.uint16(IdentifierFlags.UNKNOWN_NAME)


def _mark_wrong_case(marks: Flags, rows: pa.RecordBatch, lab: LabDefinition) -> None:
    """Mark the rows whose ids would all be valid in lower case."""
    failed = np.flatnonzero(marks & (IdentifierFlags.USER_ID_FORMAT | IdentifierFlags.ID_FORMAT))
    if not failed.size:
        return
    suspects = rows.take(pa.array(failed))
    fixed = np.ones(len(failed), bool)
    for entry in lab.identifiers_config:
        form = entry.id_type.value_format
        if form is None:
            continue
        named = pc.equal(suspects.column(1), entry.id_name).to_numpy(zero_copy_only=False)
        for values, concerned in ((suspects.column(2), named), (suspects.column(0), entry.id_name == USER_ID)):
            where = np.flatnonzero(np.broadcast_to(concerned, len(failed)) & fixed)
            values = values.take(pa.array(where))
            lower = pc.utf8_lower(values) if form.is_lower_case else values
            fixed[where] = has_format(lower, form.pattern).to_numpy(zero_copy_only=False)
    marks[failed[fixed]] |= np.uint16(IdentifierFlags.WRONG_CASE)


def width_faults(records: Records, width: int) -> list[tuple[int, str, str]]:
    """Return (index, code, message) of the first rows of the wrong width, ascending."""
    faults = [(int(i), NOT_ENOUGH, "few") for i in records.too_narrow[:SCHEMA_ERROR_CAP]]
    faults += [(int(i), TOO_MANY, "many") for i in records.too_wide[:SCHEMA_ERROR_CAP]]
    return [
        (index, code, f"Row has too {word} columns (configured columns: {width})")
        for index, code, word in sorted(faults)[:SCHEMA_ERROR_CAP]
    ]
