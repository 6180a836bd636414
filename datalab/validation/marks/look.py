"""Looks for the marks in the blocks of one file."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalab.id_types import IdType
from datalab.ingest.formats import has_format
from datalab.ingest.numbers import NO_NUMBERS, Numbers
from datalab.ingest.records import Records
from datalab.kinds import INVALID_FLOAT_FORMAT, ColumnType, ReportForm
from datalab.lab import USER_ID, IdentifierConfig, LabDefinition
from datalab.validation.marks import patterns
from datalab.validation.marks.beginning import Beginning, begin
from datalab.validation.marks.columns import TextColumn
from datalab.validation.marks.counts import FORMS, INVALID, Counts, Mark
from datalab.validation.marks.patterns import OF_TYPE
from datalab.validation.schemas import DatasetSchema, Failure

Mask = NDArray[np.bool_]

_UPPER, _LOWER = r"[A-F]", r"[a-f]"
_HEADER_WORDS = ("user_id", "userid", "userId", "UserId", "UserID", "User ID", "user id", "User Id")
"""How a header in the middle of a file without one begins."""


class Look:
    """The search in the blocks of one file; `begin` comes before all blocks."""

    def __init__(self, schema: DatasetSchema, lab: LabDefinition) -> None:
        self._schema = schema
        self._lab = lab
        self._columns = schema.declared.file_columns(lab)
        self._headers = [_folded(names) for names in schema.declared.headers(lab)]
        self._of_ids = schema.report_form is ReportForm.IDS
        types = {entry.id_type for entry in lab.identifiers_config} if self._of_ids else set()
        hashed = types & {IdType.HASHED_EMAIL, IdType.HASHED_PHONE_NUMBER, IdType.HASHED_MAID}
        zeros = [patterns.ZEROS] if types & {IdType.MAID, IdType.ONE_ID} else []
        zeros += [patterns.HASH_OF_ZEROS] if IdType.HASHED_MAID in types else []
        self._shared = {"ZERO_IDS": zeros, "HASHES_OF_NOTHING": [patterns.HASH_OF_NOTHING] if hashed else []}
        self.beginning = Beginning()

    def begin(self, text: str, records: list[list[str]]) -> None:
        """Look at the beginning of the file: its text, if it is one, and its first records."""
        self.beginning = begin(text, records, self._schema, self._lab)

    def numbers(self) -> Numbers:
        """Return the columns of numbers of which no mark is searched: a block may be read without their text."""
        if self.beginning.header or self.beginning.in_every_value:
            return NO_NUMBERS
        return Numbers(number for number, spec in enumerate(self._columns) if spec.type is ColumnType.NUMBER)

    def at_rows(self, records: Records, found: Sequence[Failure] = ()) -> Counts:
        """Return the counts of a block of segments, demographics or embeddings, and what failed in it."""
        counts = self._at_columns(records)
        numbers = [failure for failure in found if failure.check.code == INVALID_FLOAT_FORMAT]
        if numbers:
            _add_numbers(counts, records.rows, numbers)
        return counts

    def at_ids(self, records: Records, rows: pa.RecordBatch, user: Mask, id_: Mask, name: Mask) -> Counts:
        """Return the counts of a block of identifiers.

        Args:
            records: the block.
            rows: its rows, with all three columns.
            user: the rows whose user id has not the format of its type.
            id_: the rows whose id has not.
            name: the rows whose id name is not configured.
        """
        counts = self._at_columns(records)
        self._add_forms(counts, rows)
        for entry in self._lab.identifiers_config if user.any() or id_.any() else ():
            failed = {2: id_ & _named(rows, entry.id_name)} | ({0: user} if entry.id_name == USER_ID else {})
            for column, mask in failed.items():
                if entry.id_type.value_format and mask.any():
                    _add_ids(counts, rows.column(column).filter(pa.array(mask)), entry)
        if name.any():
            names = pc.utf8_trim(rows.column(1).filter(pa.array(name)), patterns.NOT_SEEN)
            known = pa.array([entry.id_name for entry in self._lab.identifiers_config])
            counts[Mark("BLANKS_AROUND", self._columns[1].file_name)] = pc.is_in(names, known).true_count
        return +counts

    def _at_columns(self, records: Records) -> Counts:
        """Count what every value is examined for, and what the beginning of the file made one suspect."""
        counts: Counts = Counts()
        rows = records.rows
        for number, spec in enumerate(self._columns):
            if spec.type is not ColumnType.TEXT or not rows.num_rows:
                continue
            column = TextColumn(rows.column(number))
            about = spec.file_name
            is_name = self._of_ids and 0 < number < len(self._columns) - 1  # which must be known anyway
            if not is_name and (nulls := len(column.rows_of(patterns.NULLS))):
                counts[Mark("NULL_WORDS", about)] += nulls
            if not column.is_ascii:
                is_id = number == 0 or (self._of_ids and number == len(self._columns) - 1)
                pattern = patterns.ANY_INVISIBLE if is_id else patterns.INVISIBLE_AT_AN_END
                counts[Mark("INVISIBLE_CHARACTERS", about)] += column.count(pattern)
            if number == 0:
                self._add_headers(counts, rows, column)
            if self._of_ids and number == len(self._columns) - 1:
                for code, values in self._shared.items():
                    if values and (same := len(column.rows_of(values))):
                        counts[Mark(code)] += same
        for number, mark in self.beginning.in_every_value:
            if number < rows.num_columns:
                has = has_format(rows.column(number), mark.pattern).true_count
                counts[Mark(mark.code, self._columns[number].file_name)] += has
        return +counts

    def _add_headers(self, counts: Counts, rows: pa.RecordBatch, column: TextColumn) -> None:
        header = self.beginning.header
        if header and not self.beginning.header_is_odd:
            same = pc.equal(rows.column(0), header[0]).fill_null(False)
            for number in {1, len(header) - 1} & set(range(1, len(header))):
                same = pc.and_(same, pc.equal(rows.column(number).fill_null(""), header[number]))
            counts[Mark("REPEATED_HEADERS")] += same.true_count
            return
        suspects = column.rows_of(_HEADER_WORDS)
        if suspects.size and all(pa.types.is_string(values.type) for values in rows.columns):
            counts[Mark("REPEATED_HEADERS")] += _like(rows.take(pa.array(suspects)), self._headers)

    def _add_forms(self, counts: Counts, rows: pa.RecordBatch) -> None:
        """Count the forms of valid ids that may be written in two ways."""
        for entry in self._lab.identifiers_config:
            if entry.id_type is IdType.PHONE_NUMBER:
                one, other = r"\A\+[1-9]", r"\A[1-9][0-9]+\z"
            elif entry.id_type is IdType.MAID:
                one, other = rf"\A[^a-f]*{_UPPER}[^a-f]*\z", rf"\A[^A-F]*{_LOWER}[^A-F]*\z"
            else:
                continue
            values = rows.column(2).filter(pc.equal(rows.column(1), entry.id_name))
            for form, pattern in zip(FORMS, (one, other), strict=True):
                counts[Mark(form, entry.id_name)] += pc.match_substring_regex(values, pattern).true_count


def _named(rows: pa.RecordBatch, name: str) -> Mask:
    named: Mask = pc.equal(rows.column(1), name).fill_null(False).to_numpy(zero_copy_only=False)
    return named


def _add_ids(counts: Counts, values: pa.StringArray, entry: IdentifierConfig) -> None:
    """Count the marks of invalid ids: what would make them valid, then the first mark of its type that each has."""
    form, name = entry.id_type.value_format, entry.id_name
    assert form is not None

    def made_right(texts: pa.StringArray, values: pa.StringArray) -> pa.BooleanArray:
        """Return which of `texts`, made of wrong `values`, have the format."""
        texts = pc.utf8_lower(texts) if form.is_lower_case else texts
        changed = pc.not_equal(texts, values)
        return pc.replace_with_mask(changed, changed, has_format(texts.filter(changed), form.pattern))

    counts[Mark(INVALID, name)] += len(values)
    bare = pc.utf8_trim(values, patterns.NOT_SEEN)
    if not TextColumn(values).is_ascii:
        bare = pc.replace_substring_regex(bare, patterns.ANY_INVISIBLE, "")
    repairable = made_right(bare, values)
    spaced = has_format(values.filter(repairable), rf"(?s)[{patterns.BLANKS}].*|.*[{patterns.BLANKS}]")
    counts[Mark("BLANKS_AROUND", name)] += spaced.true_count
    unquoted = pc.utf8_trim(bare, patterns.QUOTES)
    quoted = pc.not_equal(unquoted, bare)
    quoted = pc.replace_with_mask(quoted, quoted, made_right(unquoted.filter(quoted), values.filter(quoted)))
    counts[Mark("QUOTES_IN_VALUES", name)] += quoted.true_count
    marks = (patterns.BYTES, *OF_TYPE.get(entry.id_type, ()))
    rest = values.filter(pc.invert(pc.or_(repairable, quoted)))
    rest = rest.filter(has_format(rest, _any_of(mark.pattern for mark in marks)))
    for mark in marks:
        has = has_format(rest, mark.pattern)
        counts[Mark(mark.code, name)] += has.true_count
        rest = rest.filter(pc.invert(has))


def _any_of(marks: Iterable[str]) -> str:
    """Return the pattern of values that have any mark: most wrong values have none, and are matched only once."""
    return "|".join(f"(?:{pattern})" for pattern in marks)


def _add_numbers(counts: Counts, rows: pa.RecordBatch, found: Sequence[Failure]) -> None:
    """Count the rows with an invalid number that has a mark."""
    marks = {
        "DECIMAL_COMMAS": patterns.DECIMAL_COMMA,
        "NULL_WORDS": "|".join(word.replace("\\", "\\\\") for word in patterns.NULLS),
        "QUOTES_IN_VALUES": r"['\x{2018}\x{201C}].*",
        "BLANKS_AROUND": rf"[{patterns.BLANKS}]*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?[{patterns.BLANKS}]*",
    }
    seen: dict[str, Mask] = {}
    failed = np.zeros(rows.num_rows, bool)
    for failure in found:
        failed |= failure.rows
        where = np.flatnonzero(failure.rows)
        values = rows.column(failure.column).take(pa.array(where))
        suspects = has_format(values, _any_of(marks.values()))
        where, values = where[suspects.to_numpy(zero_copy_only=False)], values.filter(suspects)
        for code, pattern in marks.items():
            has = has_format(values, pattern).to_numpy(zero_copy_only=False).astype(bool)
            seen.setdefault(code, np.zeros(rows.num_rows, bool))[where[has]] = True
    counts[Mark(INVALID)] += int(failed.sum())
    for code, has in seen.items():
        counts[Mark(code)] += int(has.sum())


def _like(rows: pa.RecordBatch, headers: Sequence[Sequence[str]]) -> int:
    """Return how many rows are one of the folded headers, when they are folded themselves."""
    folded = [pc.utf8_lower(pc.replace_substring_regex(values.fill_null(""), "[_ ]", "")) for values in rows.columns]
    found = pa.array(np.zeros(rows.num_rows, bool))
    for header in headers:
        same = [pc.equal(values, name) for values, name in zip(folded, header, strict=True)]
        found = pc.or_(found, functools.reduce(pc.and_, same))
    return int(found.true_count)


def _folded(names: Sequence[str]) -> list[str]:
    return [name.replace("_", "").replace(" ", "").lower() for name in names]
