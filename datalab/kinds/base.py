"""What a dataset kind and its columns are: the classes that every file of this folder makes one object of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Protocol

EMPTY_CELL = "EMPTY_CELL"
INVALID_FLOAT_FORMAT = "INVALID_FLOAT_FORMAT"


class ColumnType(StrEnum):
    """The type of a valid cell, as SQL spells it."""

    TEXT = "string"
    NUMBER = "double"


class IdFormat(StrEnum):
    """Which configured identifier decides the format of a cell."""

    USER_ID = "user_id_format"
    """The identifier `userId`."""
    NAMED_ID = "id_format"
    """The identifier that the row names in its column `id_name`."""


@dataclass(frozen=True)
class Column:
    """One column of a dataset's valid rows."""

    name: str
    meaning: str
    example: str
    type: ColumnType = ColumnType.TEXT
    nullable: bool = False
    id_format: IdFormat | None = None
    """Which format the cell must have besides its type."""
    sample: tuple[tuple[str, float], ...] = ()
    """Values of synthetic rows, each with its weight."""

    @property
    def file_name(self) -> str:
        """The name as people write it who describe a file.

        Example:
            >>> Column("user_id", "The user", "u-1").file_name
            'userId'
        """
        return _camel(self.name)

    @property
    def codes(self) -> tuple[str, ...]:
        """The error codes that a cell can have in any lab; those of formats depend on the lab's identifiers."""
        codes = () if self.nullable else (EMPTY_CELL,)
        return (*codes, INVALID_FLOAT_FORMAT) if self.type is ColumnType.NUMBER else codes


@dataclass(frozen=True)
class NumberedColumns:
    """Columns of numbers, as many as a lab's definition says; they follow the others, and may be empty."""

    prefix: str
    """What the names begin with; their number follows, from 0."""
    meaning: str
    """With `{}` where the number of the column belongs."""
    example: str
    what: str
    """What the columns make together, as an adjective of "columns" and "values"."""
    count: str
    """The field of the lab's definition that says how many there are."""

    @property
    def count_key(self) -> str:
        """The wire key of `count`."""
        return _camel(self.count)

    def column(self, number: int) -> Column:
        """Return one of the columns."""
        name, meaning = f"{self.prefix}{number}", self.meaning.format(number)
        return Column(name, meaning, self.example, type=ColumnType.NUMBER, nullable=True)


class ReportForm(StrEnum):
    """Which form the validation report has."""

    CELLS = auto()
    """Wrong cells, column by column, and rows that repeat a key."""
    IDS = auto()
    """Invalid rows by reason, with samples; duplicates are not checked any further."""


class Fault(StrEnum):
    """How a row of a real file goes wrong."""

    DUPLICATE = auto()
    """It repeats the key of another row."""
    MISSING = auto()
    """A required cell is empty."""
    TOO_NARROW = auto()
    TOO_WIDE = auto()
    BAD_NUMBER = auto()
    MALFORMED_ID = auto()
    UNKNOWN_NAME = auto()
    """The identifier is not configured: accepted, and used by nothing."""


@dataclass(frozen=True)
class SampleRows:
    """How the rows of a synthetic dataset spread over users, and how they go wrong.

    A user has several rows where a column of the key has sample values: another value in each.
    """

    per_user: float
    """Rows per user, on average."""
    faults: Mapping[Fault, int]
    """How often each fault occurs, in relation to the others."""
    spread: float = 0.0
    """0: every user has about the average number of rows; 1: few users have many, many have few or none."""
    stride: float = 0.618
    """The share of all users that lies between one user of the file and the next: an order of its own per dataset."""
    shift: float = 0.0
    """The share of users that the dataset has not, and others have."""


@dataclass(frozen=True)
class VendorNames:
    """What the vendor's SDK calls the kind, in its different places."""

    dataset_type: str
    """The member of `DataLabDatasetType`."""
    leaf: str
    """The leaf node of a lab, which a policy ties a dataset to."""
    slot: str
    """The key of a lab in the shape of the vendor's first labs."""
    policy: str
    """The key of an action that provisions or deprovisions."""
    report_action: str
    """The action that asks for the validation report."""


class NamedId(Protocol):
    """A configured identifier."""

    @property
    def id_name(self) -> str: ...


class LabShape(Protocol):
    """What of a lab's definition a kind needs, besides the fields that it declares by name."""

    @property
    def other_id(self) -> NamedId: ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Everything that is particular to one dataset kind."""

    name: str
    title: str
    content: str
    """What a row says, without a full stop."""
    purpose: str
    """What the dataset is good for, as a sentence."""
    one_row_per: str
    """What there is a row of; then what is special about it."""
    one: str
    """What users have who are in the dataset."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns in which no two rows agree."""
    sample: SampleRows
    numbered: NumberedColumns | None = None
    """Further columns, where their number depends on the lab."""
    file_forms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Number of columns of the file → which of `columns` it has, where a file need not have all of them."""
    width: str = ""
    """The field of the lab's definition that says which of `file_forms` the file has."""
    vendor: VendorNames | None = None
    """None: the vendor's SDK does not know the kind."""
    report_form: ReportForm = ReportForm.CELLS
    is_matching: bool = False
    """Whether every lab has it, because its rows are the ids that users are matched by. One kind is."""
    in_new_labs: bool = False
    """Whether a new lab has it, unless its owner decides otherwise."""
    fails_empty: bool = False
    """Whether the dataset fails without a valid row; otherwise that is a data error of the statistics."""
    rows_per_user: str | None = None
    """The column of `users` that counts a user's rows, where panels need it."""
    headline: str | None = None
    """The number of the basic statistics that people follow, besides rows and users."""

    @property
    def option(self) -> str:
        """The option of the commands that take a file or a hash of this kind."""
        return f"--{self.name}"

    @property
    def flag(self) -> str | None:
        """The field of a lab's definition that says whether the lab has the kind; None: every lab has."""
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
        """Return whether the lab has such a dataset."""
        return self.flag is None or bool(getattr(lab, self.flag))

    def number_of_columns(self, lab: LabShape) -> int:
        """Return how many numbered columns the lab has."""
        return int(getattr(lab, self.numbered.count)) if self.numbered else 0

    def row_columns(self, lab: LabShape) -> tuple[Column, ...]:
        """Return the columns of a valid row, in order."""
        if self.numbered is None:
            return self.columns
        return (*self.columns, *map(self.numbered.column, range(self.number_of_columns(lab))))

    def file_columns(self, lab: LabShape) -> tuple[Column, ...]:
        """Return the columns that the lab's file has, in order."""
        if not self.file_forms:
            return self.row_columns(lab)
        wanted = self.file_forms[getattr(lab, self.width)]
        return tuple(column for column in self.columns if column.name in wanted)

    def headers(self, lab: LabShape) -> list[list[str]]:
        """Return the header rows that a file may have by mistake; case and underscores do not matter."""
        names = [column.name for column in self.file_columns(lab)]
        if self.file_forms and len(names) == 2:
            # People who write two columns name the second one after the identifier it holds.
            return [names, [names[0], lab.other_id.id_name]]
        return [names]

    def columns_text(self, lab: LabShape | None = None) -> str:
        """Return the columns of a file for people: those of a lab, or of any."""
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
"""The column that every dataset begins with."""


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
