"""The classes that declare a dataset kind and its columns; every other file of this folder creates one `Kind`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import lru_cache
from typing import Protocol

EMPTY_CELL = "EMPTY_CELL"
INVALID_FLOAT_FORMAT = "INVALID_FLOAT_FORMAT"


class ColumnType(StrEnum):
    """The type of a valid cell, by its SQL name."""

    TEXT = "string"
    NUMBER = "double"


class IdFormat(StrEnum):
    """The configured identifier that decides the format of a cell."""

    USER_ID = "user_id_format"
    """The identifier `userId`."""
    NAMED_ID = "id_format"
    """The identifier whose name is in the row's column `id_name`."""


@dataclass(frozen=True)
class Column:
    """One column of a dataset's valid rows."""

    name: str
    meaning: str
    example: str
    type: ColumnType = ColumnType.TEXT
    nullable: bool = False
    id_format: IdFormat | None = None
    """The format that the cell must have in addition to its type."""
    is_name: bool = False
    """Whether statistics list its values as names."""
    sample: tuple[tuple[str, float], ...] = ()
    """Values of synthetic rows, each with its weight."""

    @property
    def file_name(self) -> str:
        """The name in descriptions of files, in camel case.

        Example:
            >>> Column("user_id", "The user", "u-1").file_name
            'userId'
        """
        return _camel(self.name)

    @property
    def codes(self) -> tuple[str, ...]:
        """The error codes that a cell can have in any lab; codes of formats depend on the lab's identifiers."""
        codes = () if self.nullable else (EMPTY_CELL,)
        return (*codes, INVALID_FLOAT_FORMAT) if self.type is ColumnType.NUMBER else codes


@dataclass(frozen=True)
class NumberedColumns:
    """Columns of numbers after the other columns; the lab's definition decides how many. Their cells may be empty."""

    prefix: str
    """The beginning of their names; the number of the column follows, from 0."""
    meaning: str
    """The meaning of a column, with `{}` in place of its number."""
    example: str
    what: str
    """The name of the columns together, used before "columns" and "values"."""
    count: str
    """The field of the lab's definition that holds the number of columns."""

    @property
    def count_key(self) -> str:
        """The wire key of `count`."""
        return _camel(self.count)

    def column(self, number: int) -> Column:
        """Return one of the columns."""
        name, meaning = f"{self.prefix}{number}", self.meaning.format(number)
        return Column(name, meaning, self.example, type=ColumnType.NUMBER, nullable=True)


class ReportForm(StrEnum):
    """The form of the validation report."""

    CELLS = auto()
    """Invalid cells by column, and rows that repeat a key."""
    IDS = auto()
    """Invalid rows by reason, with samples; a duplicate gets no further check."""


class Fault(StrEnum):
    """A way in which a row of a real file is wrong."""

    DUPLICATE = auto()
    """It repeats the key of another row."""
    MISSING = auto()
    """A required cell is empty."""
    TOO_NARROW = auto()
    TOO_WIDE = auto()
    BAD_NUMBER = auto()
    MALFORMED_ID = auto()
    UNKNOWN_NAME = auto()
    """The identifier is not configured: the row is accepted, but its id is not used."""


@dataclass(frozen=True)
class SampleRows:
    """How the rows of a synthetic dataset are distributed over users, and which faults they have.

    If a column of the key has sample values, a user can have several rows, each with a different value.
    """

    per_user: float
    """Rows per user, on average."""
    faults: Mapping[Fault, int]
    """Fault → its relative frequency."""
    spread: float = 0.0
    """0: every user has about the average number of rows; 1: few users have many, many have few or none."""
    stride: float = 0.618
    """The distance between consecutive users of the file as a share of all users, so that datasets differ in order."""
    shift: float = 0.0
    """The share of users that other datasets have but this one does not."""


@dataclass(frozen=True)
class VendorNames:
    """The names of the kind in the vendor's SDK."""

    dataset_type: str
    """The member of `DataLabDatasetType`."""
    leaf: str
    """The leaf node of a lab to which a policy binds a dataset."""
    slot: str
    """The key of the dataset in the format of the vendor's first labs."""
    policy: str
    """The key of the policy in actions that provision or deprovision."""
    report_action: str
    """The action that requests the validation report."""


class NamedId(Protocol):
    """A configured identifier."""

    @property
    def id_name(self) -> str: ...


class LabShape(Protocol):
    """The part of a lab's definition that every kind reads, in addition to the fields that it declares by name."""

    @property
    def other_id(self) -> NamedId: ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The declaration of one dataset kind."""

    name: str
    title: str
    content: str
    """What a row contains, without a full stop."""
    purpose: str
    """What the dataset is used for, as a sentence."""
    one_row_per: str
    """The continuation of "One row per", and notes about the rows."""
    one: str
    """The continuation of "Users with"."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns that together are unique to each row."""
    sample: SampleRows
    numbered: NumberedColumns | None = None
    """Further columns whose number depends on the lab."""
    file_forms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Number of columns of the file → which of `columns` it has; empty: every file has all of them."""
    width: str = ""
    """The field of the lab's definition that selects one of `file_forms`."""
    vendor: VendorNames | None = None
    """None: the vendor's SDK does not have the kind."""
    report_form: ReportForm = ReportForm.CELLS
    is_matching: bool = False
    """Whether every lab has it, because its rows are the ids by which users are matched. True for one kind."""
    in_new_labs: bool = False
    """Whether a new lab has it by default."""
    fails_empty: bool = False
    """Whether a dataset without a valid row fails its validation; otherwise it is a data error of the statistics."""
    rows_per_user: str | None = None
    """The column of `users` that counts a user's rows; None: no panel needs it."""
    headline: str | None = None
    """The number of the basic statistics that is a headline number, in addition to rows and users."""

    @property
    def option(self) -> str:
        """The option of the commands that take a file or a hash of this kind."""
        return f"--{self.name}"

    @property
    def flag(self) -> str | None:
        """The field of a lab's definition that says whether the lab has the kind; None: every lab has it."""
        return None if self.is_matching else f"require_{self.name}"

    @property
    def flag_key(self) -> str | None:
        """The wire key of `flag`."""
        return _camel(self.flag) if self.flag else None

    @property
    def depends_on_lab(self) -> bool:
        """Whether the columns differ from lab to lab."""
        return bool(self.file_forms or self.numbered)

    def is_in(self, lab: LabShape) -> bool:
        """Return whether the lab has a dataset of this kind."""
        return self.flag is None or bool(getattr(lab, self.flag))

    def number_of_columns(self, lab: LabShape) -> int:
        """Return how many numbered columns the lab has."""
        return int(getattr(lab, self.numbered.count)) if self.numbered else 0

    def row_columns(self, lab: LabShape) -> tuple[Column, ...]:
        """Return the columns of a valid row, in order."""
        if self.numbered is None:
            return self.columns
        return (*self.columns, *_numbered(self.numbered, self.number_of_columns(lab)))

    def file_columns(self, lab: LabShape) -> tuple[Column, ...]:
        """Return the columns that the lab's file has, in order."""
        if not self.file_forms:
            return self.row_columns(lab)
        wanted = self.file_forms[getattr(lab, self.width)]
        return tuple(column for column in self.columns if column.name in wanted)

    def headers(self, lab: LabShape) -> list[list[str]]:
        """Return the header rows that a file may wrongly contain; case and underscores do not matter."""
        names = [column.name for column in self.file_columns(lab)]
        if self.file_forms and len(names) == 2:
            # In a file of two columns, the second one is often named after its identifier.
            return [names, [names[0], lab.other_id.id_name]]
        return [names]

    def columns_text(self, lab: LabShape | None = None) -> str:
        """Return the columns of a file as text, for one lab or in general."""
        columns = self.columns if lab is None or self.numbered else self.file_columns(lab)
        names = [column.file_name for column in columns]
        if self.numbered:
            count = self.number_of_columns(lab) if lab else None
            last = "…" if count is None else f" … {self.numbered.prefix}{count - 1}" if count > 1 else ""
            names.append(f"{self.numbered.prefix}0{last}")
        return ", ".join(names)


USER_ID = Column(
    "user_id",
    "The publisher's own id of the user, the same in every dataset",
    "u-7f3a",
)
"""The first column of every dataset."""


@lru_cache(maxsize=16)
def _numbered(columns: NumberedColumns, count: int) -> tuple[Column, ...]:
    """Return the first so many of the columns: there may be thousands, which many ask for."""
    return tuple(map(columns.column, range(count)))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
