"""One streaming pass over a file: adds up the checked blocks in order and writes their valid rows.

Memory does not grow with the file: keys and rows are spooled to scratch. `pipeline` produces the blocks, `check`
checks them, `report` counts.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from datalab.engines import Engine, open_engine
from datalab.errors import InputChanged, InputMissing, OutputFailed
from datalab.ingest.any_file import AnyFile, open_bytes
from datalab.ingest.failures import FileLevelError
from datalab.ingest.source import Input, open_input
from datalab.kinds import KINDS, MATCHING, DatasetKind, Kind, ReportForm
from datalab.lab import LabDefinition, require_limits
from datalab.results.validation import AnyValidationReport, DatasetFacts, SchemaError
from datalab.scratch import publish, scratch_directory, why
from datalab.validation.check import Checked, check_identifiers, check_rows, records_per_block, shortened
from datalab.validation.flags import IdentifierFlags
from datalab.validation.hints import Evidence, hints, is_header
from datalab.validation.invalid_rows import INVALID_ROWS, InvalidRows
from datalab.validation.judge import Judge
from datalab.validation.key_spool import KeySpool, MarkedRows
from datalab.validation.long_keys import with_short_keys
from datalab.validation.marks import Look
from datalab.validation.pipeline import Pipeline
from datalab.validation.report import SAMPLE_CAP, IdentifiersReport, InputSummary, RowsReport, file_level_report
from datalab.validation.row_set import RowSet
from datalab.validation.rows_file import RowsFile, write_empty
from datalab.validation.schemas import DatasetSchema, dataset_schema

_MEMORY_FOR_KEYS = "400MB"
"""Memory of the engine to compare keys."""

Progress = Callable[[int, int, int], None]
"""Called with (rows checked, bytes read, bytes of the file) as a file is checked."""


class Validated(NamedTuple):
    """The results of a pass over a file."""

    report: AnyValidationReport
    facts: DatasetFacts


def validate(
    path: AnyFile,
    kind: DatasetKind | Kind,
    lab: LabDefinition,
    *,
    valid_rows: Path | None = None,
    invalid_rows: Path | None = None,
    spool_in: Path | None = None,
    progress: Progress | None = None,
) -> Validated:
    """Validate the file at `path`, or a stored one, as dataset `kind` of `lab`.

    Args:
        path: CSV without header, or gzip, zip or Parquet.
        kind: which dataset it is, or the declaration of one that no lab has.
        lab: its definition.
        valid_rows: where to write the valid rows, as Parquet in file order; empty if the file fails.
        invalid_rows: where to write the invalid rows; only together with `valid_rows`.
        spool_in: in which directory keys are spooled; None: beside `valid_rows`, or the system's.
        progress: called for every block; with all bytes only once, when everything is checked.

    Raises:
        LabTooLarge: an earlier version made the lab, beyond the limits of definitions.
        InputMissing: there is no such file.
        InputChanged: the file was modified during the pass.
        OutputFailed: rows or scratch could not be written; `valid_rows` is unchanged.
    """
    require_limits(lab)
    schema = dataset_schema(kind, lab)
    with scratch_directory(spool_in or (valid_rows.parent if valid_rows else None)) as scratch:
        try:
            with (
                open_input(path) as source,
                open_engine(memory_limit=_MEMORY_FOR_KEYS, temp_directory=scratch) as engine,
            ):
                kept = InvalidRows(scratch, wanted=invalid_rows is not None)
                one_pass = _Pass(source, schema, lab, scratch, engine, progress or (lambda *_: None), kept)
                try:
                    validated, rows, invalid = one_pass.run(keep_rows=valid_rows is not None)
                except FileLevelError:
                    # A file that is still being written seems to be damaged.
                    if not source.unchanged():
                        raise InputChanged(str(path)) from None
                    raise
                if not source.unchanged():
                    raise InputChanged(str(path))
        except OSError as error:
            raise OutputFailed(scratch.parent, why(error)) from None
        except FileLevelError as error:
            size = _size_of(path)
            found = SchemaError(code=error.code, message=error.message, row=0)
            report = file_level_report(schema, lab, found, size, error.detected_file_type)
            validated, rows, invalid = Validated(report, DatasetFacts(input_bytes=size)), None, None
        if valid_rows is not None:
            if rows is None or validated.report.report.outcome == "FAILED":
                rows = write_empty(scratch / "empty.parquet", schema.arrow)
            publish(rows, valid_rows)
        if invalid_rows is not None:
            publish(invalid or write_empty(scratch / "none.parquet", INVALID_ROWS), invalid_rows)
    # Memory that Arrow keeps is not available to the next step, another engine.
    pa.default_memory_pool().release_unused()
    return validated


def _size_of(path: AnyFile) -> int:
    try:
        if isinstance(path, Path):
            return path.stat().st_size
        with open_bytes(path) as opened:
            return opened.seek(0, io.SEEK_END)
    except FileNotFoundError:
        raise InputMissing(str(path)) from None


class _Pass:
    """The state of one pass: its report, the kept rows and the seen keys."""

    def __init__(
        self,
        source: Input,
        schema: DatasetSchema,
        lab: LabDefinition,
        scratch: Path,
        engine: Engine,
        progress: Progress,
        invalid: InvalidRows,
    ) -> None:
        self._source = source
        self._schema = schema
        self._lab = lab
        self._scratch = scratch
        self._engine = engine
        self._progress = progress
        self._invalid = invalid
        self._judge = Judge(schema)
        self._keys = KeySpool(scratch)
        self._marked = MarkedRows(scratch / "marked")
        """Possible duplicates with flags."""
        self._facts = DatasetFacts(input_bytes=source.size, broken_quote=False)
        self._text_bytes = 0
        self._look = Look(schema, lab)
        self._evidence = Evidence(schema, lab, self._facts)
        self._report: RowsReport | IdentifiersReport
        if schema.report_form is ReportForm.IDS:
            flags = IdentifierFlags(lab)
            self._report = IdentifiersReport(schema, lab, flags)
            check = partial(
                check_identifiers, schema=schema, lab=lab, flags=flags, engine=engine, look=self._look, invalid=invalid
            )
        else:
            self._report = RowsReport(schema, lab)
            check = partial(check_rows, schema=schema, engine=engine, look=self._look, invalid=invalid)
        self._blocks = Pipeline(
            source,
            schema.file_width,
            check,
            block_records=records_per_block(lab, schema),
            scratch=scratch,
            begin=self._look.begin,
            keep_odd=invalid.has_room,
            numbers=self._look.numbers,
        )

    def run(self, *, keep_rows: bool) -> tuple[Validated, Path, Path]:
        """Return the outcome, the file of the valid rows (only of their keys unless `keep_rows`), and the invalid ones.

        Without `keep_rows`, there is no use in the invalid rows.
        """
        arrow = self._schema.arrow
        if not keep_rows:
            arrow = pa.schema([arrow.field(index) for index in self._schema.key])
        with ExitStack() as stack:
            valid = stack.enter_context(RowsFile(self._scratch / "valid.parquet", arrow))
            rejected = stack.enter_context(RowsFile(self._scratch / "rejected.parquet", _REJECTED))
            stack.enter_context(self._invalid)
            for checked in self._blocks:
                self._add(checked, valid, rejected)
            self._judge.finish()
            self._progress(self._report.rows, self._source.size, self._source.size)
            valid.finish()
            rejected.finish()
            self._invalid.finish()
        duplicates = self._duplicates(valid, rejected)
        validated = self._finish(duplicates, valid, rejected)
        rows, repeated = valid.path, iter(())
        if keep_rows and duplicates.count:
            repeated = valid.select(duplicates)
            if validated.report.report.outcome == "PASSED":
                rows = self._scratch / "unique.parquet"
                repeated = valid.without(duplicates, rows)
        return validated, rows, self._invalid.with_duplicates(duplicates, repeated)

    def _duplicates(self, valid: RowsFile, rejected: RowsFile) -> RowSet:
        """Return the rows that repeat the key of an earlier one."""
        if isinstance(self._report, RowsReport) and not self._report.looks_for_duplicates:
            return RowSet()
        candidates = RowSet()
        for rows, flags in self._keys.repeated():
            candidates.add(rows)
            self._marked.add(rows[flags != 0], flags[flags != 0])
        if not candidates.count:
            return RowSet()
        key = [self._schema.rows[index].name for index in self._schema.key]
        tables = chain(valid.select(candidates, key), rejected.select(candidates, key))
        repeated = RowSet()
        for rows in self._engine.repeated_rows(map(with_short_keys, tables)):
            repeated.add(rows)
        return repeated

    def _finish(self, duplicates: RowSet, valid: RowsFile, rejected: RowsFile) -> Validated:
        source, facts = self._source, self._facts
        facts.rows = self._report.rows
        facts.is_csv = self._blocks.is_csv
        facts.first_record_is_header = is_header(self._blocks.header, self._schema, self._lab)
        summary = InputSummary(source.detected_file_type, self._reported_bytes)
        evidence = self._evidence
        report: AnyValidationReport
        if isinstance(self._report, IdentifiersReport):
            for rows, flags in self._marked.read():
                self._report.take_back(flags[duplicates.contains(rows)])
            everything = RowSet.up_to(self._report.rows)
            report = self._report.finish(
                summary, duplicates, self._first_duplicates(duplicates, valid, rejected), rejected.select(everything)
            )
            facts.valid_rows = report.report.num_valid_rows
            evidence.wrong_case = self._report.marked(IdentifierFlags.WRONG_CASE)
            evidence.unknown_names = self._report.marked(IdentifierFlags.UNKNOWN_NAME)
        else:
            report = self._report.finish(summary, duplicates)
            if report.report.outcome == "PASSED":
                facts.valid_rows = facts.rows - report.report.num_invalid_rows_total
        evidence.beginning, evidence.tail = self._look.beginning, self._blocks.tail
        evidence.guessed_encoding = source.encoding_guessed
        evidence.replaced_characters = source.replaced_characters
        facts.hints = hints(evidence)
        return Validated(report, facts)

    @property
    def _reported_bytes(self) -> int | None:
        """Return the `originalFileSizeBytes` of the report: None if all lines of the text are blank.

        See docs/spec/validation.md#75-originalfilesizebytes.
        """
        if self._source.is_container:
            return (self._text_bytes + self._blocks.table_bytes + self._source.bom_bytes) or None
        return self._source.size if self._report.rows or self._source.bom_bytes else None

    def _first_duplicates(self, duplicates: RowSet, *files: RowsFile) -> pa.Table:
        """Return the duplicate rows that a report shows, ascending."""
        shown = RowSet()
        shown.add(duplicates.first(SAMPLE_CAP))
        columns = [column.name for column in self._schema.rows]
        tables = [shortened(table) for file in files for table in file.select(shown, columns)]
        return pa.concat_tables(tables, promote_options="default").sort_by("row") if tables else pa.table({"row": []})

    def _add(self, checked: Checked, valid: RowsFile, rejected: RowsFile) -> None:
        first, records = self._report.rows, checked.records
        self._report.add(checked)
        self._judge.add(checked.sample)
        rows = checked.valid.select(valid.schema.names)
        valid.append(rows, first, records.count, checked.valid_indexes)
        if checked.rejected is not None:
            rejected.append(
                checked.rejected.drop_columns("index"), first, records.count, checked.rejected["index"].to_numpy()
            )
        indexes = np.arange(len(checked.hashes)) if checked.hashed_indexes is None else checked.hashed_indexes
        self._invalid.add(first, checked.invalid)
        self._keys.add(checked.hashes, first + indexes, checked.flags)
        self._text_bytes += records.text_bytes
        self._facts.one_column_rows += records.one_column
        self._facts.foreign_separator_rows += records.foreign_separator
        self._facts.broken_quote = self._facts.broken_quote or records.broken_quote
        self._evidence.add(records, checked.marks, first)
        # Blocks that are read ahead are not checked yet.
        self._progress(self._report.rows, min(self._source.bytes_read, self._source.size - 1), self._source.size)


_REJECTED = pa.schema([*((column.name, pa.string()) for column in KINDS[MATCHING].columns), ("flags", pa.uint16())])
