"""What is recognised in a file: only counts, shares and names of types, never a value and no words for people."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from datalab.id_types import IdType
from datalab.kinds import DatasetKind

MOST = 0.9
"""The share of values, or of records, from which a rule holds."""

MOST_COLUMNS = 1000
"""How many columns are read; the number of columns is exact."""

DESCRIBED_COLUMNS = 20
"""How many columns are described one by one in the facts."""


class Container(StrEnum):
    """What the text or the table of a file is wrapped in."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    PARQUET = "parquet"


class NoDataset(StrEnum):
    """Why a file cannot be a dataset."""

    EMPTY = "EMPTY"
    PICTURE = "PICTURE"
    PDF = "PDF"
    SPREADSHEET = "SPREADSHEET"
    BINARY = "BINARY"

    @property
    def is_refused(self) -> bool:
        """Whether the file is not stored. Other binary files are stored; their validation says what they are."""
        return self is not NoDataset.BINARY


class Form(StrEnum):
    """How a row of the file relates to the rows of its kind."""

    ROWS = "ROWS"
    """A row each."""
    ARRAYS = "ARRAYS"
    """The last column holds JSON arrays: several rows, or several columns, in one cell."""
    WIDE = "WIDE"
    """A row per user with a column for each identifier."""


class ValueType(StrEnum):
    """A type of values in addition to the identifier types of `IdType`."""

    NUMBER = "number"
    DECIMAL_COMMA = "decimalComma"
    ARRAY = "array"
    NUMBER_ARRAY = "numberArray"


class Facts(BaseModel):
    """Frozen; snake_case in Python, camelCase in JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
    )


class ColumnFacts(Facts):
    """One column, without the header."""

    filled: float
    """The share of values that are not empty."""
    distinct: int
    """How many different values there are."""
    types: dict[str, float]
    """Wire name of an identifier type, or `ValueType` → share of the values that are not empty.

    Blanks around a value, and upper case where only lower case is valid, do not count: see `exact`. Identifier types
    of the same format have one entry, under the name of the first.
    """
    exact: float
    """The share of values that are of the column's most frequent type exactly as they are; 1 if it has no type."""

    def is_of(self, *types: ValueType | IdType) -> bool:
        """Return whether nearly all values are of one of the types."""
        return sum(self.types.get(type_.value, 0.0) for type_ in types) >= MOST


class FileFacts(Facts):
    """A file, as far as its first bytes show it."""

    is_whole: bool
    """Whether the file was read to its end; the rows of Parquet may not have been."""
    no_dataset: NoDataset | None = None
    container: Container = Container.NONE
    encoding: str | None = None
    """Of the text, spelled as in reports; None for Parquet and what could not be read."""
    encoding_is_guessed: bool = False
    separator: str | None = None
    """None for Parquet, and if nothing could be read."""
    separator_line: bool = False
    """Whether the first line is `sep=` for spreadsheets."""
    records: int = 0
    """How many records were read, headers included."""
    of_width: float = 0.0
    """The share of records that have `columns` columns."""
    columns: int = 0
    headers: int = 0
    """How many records name the columns: the first one, and others equal to it."""
    column_facts: tuple[ColumnFacts, ...] = ()
    kind: DatasetKind | None = None
    """None: not sure; see `possible`."""
    possible: tuple[DatasetKind, ...] = ()
    """What the file could be if `kind` is None, the most likely kind first; may be empty."""
    form: Form = Form.ROWS

    @property
    def is_readable(self) -> bool:
        """Whether records of the file could be read."""
        return self.records > 0
