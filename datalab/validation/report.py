"""Adds checked blocks up, in file order, to the report of a dataset (docs/spec/validation.md).

Totals are exact, recorded errors are capped over the whole file. Nothing is read or checked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from datalab.kinds import EMPTY_CELL, KINDS, MATCHING, ReportForm
from datalab.lab import LabDefinition
from datalab.results.validation import (
    AnyValidationReport,
    CellError,
    CellLocation,
    ColumnErrors,
    DropInvalidRows,
    Duplicates,
    IdentifierEcho,
    IdentifiersValidationReport,
    IdentifiersValidationReportV0,
    InvalidIdFormat,
    InvalidRows,
    InvalidUserIdFormat,
    KeyLocation,
    MissingValues,
    SampleRow,
    SchemaError,
    SchemaErrors,
    UniquenessError,
    UniquenessErrors,
    ValidationReport,
    ValidationReportV0,
)
from datalab.validation.check import (
    CELL_ERROR_CAP,
    SCHEMA_ERROR_CAP,
    CellFault,
    Checked,
    shortened,
    shown,
    width_faults,
)
from datalab.validation.error_codes import DUPLICATE_VALUES, NOT_ENOUGH, TOO_MANY, in_order
from datalab.validation.flags import FlagCounts, IdentifierFlags
from datalab.validation.key_spool import Flags
from datalab.validation.row_set import RowSet
from datalab.validation.schemas import DatasetSchema

UNIQUENESS_ERROR_CAP = 10
SAMPLE_CAP = 50


@dataclass(frozen=True, slots=True)
class InputSummary:
    """The facts of a report about the whole input."""

    detected_file_type: str
    reported_bytes: int | None
    """`originalFileSizeBytes`; None when no line of the text holds anything."""


class _Widths:
    """Rows of the wrong width: exact counts and the first errors."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.counts: Counter[str] = Counter()
        self._errors: list[SchemaError] = []

    def add(self, checked: Checked, first_row: int) -> None:
        records = checked.records
        self.counts[NOT_ENOUGH] += len(records.too_narrow)
        self.counts[TOO_MANY] += len(records.too_wide)
        room = SCHEMA_ERROR_CAP - len(self._errors)
        if room and (len(records.too_narrow) or len(records.too_wide)):
            for index, code, message in width_faults(records, self._width)[:room]:
                self._errors.append(SchemaError(code=code, message=message, row=first_row + index))

    @property
    def errors(self) -> SchemaErrors:
        return SchemaErrors(num_errors_total=self.counts.total(), recorded_errors=self._errors)


class RowsReport:
    """Builds the report of a segments, demographics or embeddings file."""

    def __init__(self, schema: DatasetSchema, lab: LabDefinition) -> None:
        self._key = list(schema.key)
        self._drop = lab.drop_invalid_rows
        self._widths = _Widths(schema.file_width)
        self._codes: Counter[str] = Counter()
        self._cells: Counter[int] = Counter()
        self._faults: list[CellFault] = []
        self._invalid = 0
        self.rows = 0

    def add(self, checked: Checked) -> None:
        """Add the next block of the file."""
        self._widths.add(checked, self.rows)
        self._codes.update(checked.rows_by_code)
        self._cells.update(checked.cells_by_column)
        self._invalid += checked.invalid_rows
        for fault in checked.cell_faults[: CELL_ERROR_CAP - len(self._faults)]:
            self._faults.append(CellFault(self.rows + fault.index, fault.column, fault.code, fault.message))
        self.rows += checked.records.count

    @property
    def looks_for_duplicates(self) -> bool:
        """Whether duplicates are counted: always, except if an invalid row already fails a file that keeps them."""
        return self._drop or not (self._invalid or self._widths.counts.total())

    def finish(self, source: InputSummary, duplicates: RowSet) -> ValidationReport:
        """Return the report; `duplicates` are the rows that repeat an earlier key."""
        checked_unique = self.looks_for_duplicates
        repeated = duplicates.count if checked_unique else 0
        invalid = self._invalid + self._widths.counts.total() + repeated
        codes = self._codes + self._widths.counts + Counter({DUPLICATE_VALUES: repeated})
        uniqueness = UniquenessErrors(
            num_errors_total=repeated,
            recorded_errors=[
                UniquenessError(code=DUPLICATE_VALUES, location=KeyLocation(row=int(row), columns=self._key))
                for row in duplicates.first(UNIQUENESS_ERROR_CAP)
            ],
        )
        return ValidationReport(
            report=ValidationReportV0(
                outcome="PASSED" if self._drop or not invalid else "FAILED",
                detected_file_type=source.detected_file_type,
                original_file_size_bytes=source.reported_bytes,
                num_rows_total=self.rows,
                num_invalid_rows_total=invalid,
                num_invalid_rows_by_error_code=in_order(codes),
                columns=[self._column(column, total) for column, total in sorted(self._cells.items())],
                schema_=self._widths.errors,
                uniqueness=uniqueness if checked_unique else None,
                drop_invalid_rows=DropInvalidRows(num_invalid_rows_dropped=invalid) if self._drop else None,
            )
        )

    def _column(self, column: int, total: int) -> ColumnErrors:
        errors = [
            CellError(code=f.code, message=f.message, location=CellLocation(row=f.index, column=column))
            for f in self._faults
            if f.column == column
        ]
        return ColumnErrors(column=column, num_errors_total=total, recorded_errors=errors)


class IdentifiersReport:
    """Builds the report of an identifiers file.

    Duplicates get no further checks (docs/spec/validation.md#114-checks-in-this-order), but are known only at
    the end: every invalid row is counted first, and the duplicates among them are subtracted.
    """

    def __init__(self, schema: DatasetSchema, lab: LabDefinition, flags: IdentifierFlags) -> None:
        self._widths = _Widths(schema.file_width)
        self._lab = lab
        self._codes = flags.codes
        self._rows_with = FlagCounts(flags)
        self.rows = 0

    def add(self, checked: Checked) -> None:
        """Add the next block of the file."""
        self._widths.add(checked, self.rows)
        if checked.flags is not None:
            self._rows_with.add(checked.flags)
        self.rows += checked.records.count

    def take_back(self, flags: Flags) -> None:
        """Do not count rows with these flags as invalid: they are duplicates."""
        self._rows_with.take_back(flags)

    def marked(self, flag: int) -> int:
        """Return how many rows have `flag`."""
        return self._rows_with.of(flag)

    def finish(
        self,
        source: InputSummary,
        duplicates: RowSet,
        duplicate_rows: pa.Table,
        rejected: Iterator[pa.Table],
    ) -> IdentifiersValidationReport:
        """Return the report.

        Args:
            source: the input.
            duplicates: the rows that repeat an earlier one.
            duplicate_rows: the first of them with `row`, ascending.
            rejected: the invalid rows with `row` and `flags`, ascending, duplicates among them.
        """
        invalid = self.marked(IdentifierFlags.INVALID) + self._widths.counts.total() + duplicates.count
        codes = self._widths.counts + Counter(
            {
                EMPTY_CELL: self.marked(IdentifierFlags.MISSING),
                DUPLICATE_VALUES: duplicates.count,
                **{code: self._rows_with.of_code(code) for code in self._codes},
            }
        )
        buckets = (IdentifierFlags.MISSING, IdentifierFlags.USER_ID_FORMAT, IdentifierFlags.ID_FORMAT)
        samples = self._samples(rejected, duplicates, buckets)
        missing, user_id_format, id_format = buckets
        return IdentifiersValidationReport(
            report=IdentifiersValidationReportV0(
                outcome="PASSED",
                original_file_size_bytes=source.reported_bytes,
                detected_file_type=source.detected_file_type,
                num_rows_total=self.rows,
                config=echo(self._lab),
                schema_=self._widths.errors,
                num_valid_rows=self.rows - invalid,
                invalid_rows=InvalidRows(
                    total_invalid_rows=invalid,
                    duplicates=Duplicates(
                        total_duplicates=duplicates.count,
                        sample_duplicate_rows=_sample_rows(duplicate_rows),
                    ),
                    missing_values=MissingValues(
                        total_missing_values=self.marked(missing), sample_missing_values=samples[missing]
                    ),
                    invalid_user_id_format=InvalidUserIdFormat(
                        total_invalid_user_id_format=self.marked(user_id_format),
                        sample_invalid_user_id_format=samples[user_id_format],
                    ),
                    invalid_id_format=InvalidIdFormat(
                        total_invalid_id_format=self.marked(id_format), sample_invalid_id_format=samples[id_format]
                    ),
                ),
                num_invalid_rows_by_error_code=in_order(codes),
            )
        )

    def _samples(
        self, rejected: Iterator[pa.Table], duplicates: RowSet, buckets: tuple[int, ...]
    ) -> dict[int, list[SampleRow]]:
        """Return the first rows of every bucket that are not duplicates."""
        wanted = {bucket: min(SAMPLE_CAP, self.marked(bucket)) for bucket in buckets}
        samples: dict[int, list[SampleRow]] = {bucket: [] for bucket in buckets}
        while any(len(samples[bucket]) < wanted[bucket] for bucket in buckets):
            table = next(rejected)
            first = ~duplicates.contains(table["row"].to_numpy())
            flags = table["flags"].to_numpy()
            for bucket in buckets:
                room = wanted[bucket] - len(samples[bucket])
                chosen = np.flatnonzero(first & ((flags & bucket) != 0))[:room]
                samples[bucket] += _sample_rows(table.take(pa.array(chosen)))
        return samples


def _sample_rows(table: pa.Table) -> list[SampleRow]:
    """Return the rows of a table with `row, user_id, id_name, id` in the form of a report.

    See docs/spec/validation.md#117-samples.
    """
    names = [column.name for column in KINDS[MATCHING].columns]
    return [
        SampleRow(row_number=row["row"], values=", ".join(shown(row[name] or "") for name in names))
        for row in shortened(table).to_pylist()
    ]


def echo(lab: LabDefinition) -> list[IdentifierEcho]:
    """Return the identifiers configuration in the form of a report."""
    return [IdentifierEcho.model_validate(entry.model_dump()) for entry in lab.identifiers_config]


def file_level_report(
    schema: DatasetSchema, lab: LabDefinition, error: SchemaError, size: int | None, detected_file_type: str | None
) -> AnyValidationReport:
    """Return the report of a file that could not be read as records (docs/spec/validation.md#21-file-level-errors)."""
    errors = SchemaErrors(num_errors_total=1, recorded_errors=[error])
    if schema.report_form is ReportForm.IDS:
        return IdentifiersValidationReport(
            report=IdentifiersValidationReportV0(
                outcome="FAILED",
                original_file_size_bytes=size,
                detected_file_type=detected_file_type,
                config=echo(lab),
                schema_=errors,
            )
        )
    return ValidationReport(
        report=ValidationReportV0(
            outcome="FAILED", original_file_size_bytes=size, detected_file_type=detected_file_type, schema_=errors
        )
    )
