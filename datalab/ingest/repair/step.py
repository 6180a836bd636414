"""What a step of a repair is, and what it is proposed from; the steps themselves are not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import pyarrow as pa

from datalab.id_types import IdType
from datalab.ingest.recognise import ColumnFacts, FileFacts
from datalab.ingest.recognise.columns import column_facts, id_type_of
from datalab.ingest.recognise.decide import Decision, decide
from datalab.ingest.repair.chunk import Chunk, Mask
from datalab.kinds import KINDS, MATCHING, Column, DatasetKind
from datalab.lab import USER_ID, LabDefinition

MOST_NAMES = 20
"""The most identifier names of a file for which types are proposed."""


class StepName(StrEnum):
    """The steps, in the order in which they are done."""

    ENCODING = "encoding"
    SEPARATOR = "separator"
    HEADER = "header"
    FOOTER = "footer"
    BLANKS = "blanks"
    EXTRA_COLUMNS = "extra-columns"
    ARRAYS = "arrays"
    WIDE = "wide"
    ORDER = "order"
    DECIMALS = "decimals"
    LOWER_CASE = "lower-case"
    HASH = "hash"


Change = Callable[[Chunk], tuple[Chunk, int]]
"""Returns the changed records of a block, and how many records, or rows, it touched."""


@dataclass(frozen=True)
class Step:
    """One step: its name, what it does to a record, and how it is proposed."""

    name: StepName
    does: str
    """What it does, as an instruction: the sentence for people."""
    propose: Callable[[Look], Change | None]
    """Returns what it would do to a file; None if there is nothing to do."""
    always: bool = False
    """Whether every repaired file has it, because repaired files are CSV in UTF-8."""
    widens: bool = False
    """Whether it makes much more text of a row."""


@dataclass(frozen=True)
class Look:
    """A file as a step finds it: its facts, and a sample after the steps before."""

    kind: DatasetKind
    lab: LabDefinition | None
    facts: FileFacts
    chunk: Chunk
    footer: bool = False
    """Whether the file, beyond the sample, ends with a remark of the program that exported it."""

    @cached_property
    def columns(self) -> list[pa.StringArray]:
        """The cells of the sample; empty text where a cell is empty."""
        return [column.fill_null("") for column in self.chunk.columns]

    @cached_property
    def described(self) -> list[ColumnFacts]:
        """The facts of the columns of the sample."""
        return [column_facts(column) for column in self.columns]

    @property
    def width(self) -> int:
        """How many columns the rows have."""
        return len(self.chunk.columns)

    @cached_property
    def decision(self) -> Decision:
        """What the rows of the sample are."""
        return self.decided(range(self.width))

    def decided(self, order: range | tuple[int, ...] | list[int]) -> Decision:
        """Return what the rows would be with these of their columns."""
        if not len(self.chunk.at) or not order:
            return Decision(None)
        return decide([self.columns[number] for number in order], [self.described[number] for number in order])

    @property
    def target(self) -> int | None:
        """How many columns a row of the dataset has; None if only a lab could say it."""
        entry = KINDS[self.kind]
        if self.lab is not None:
            return len(entry.file_columns(self.lab))
        return None if entry.depends_on_lab else len(entry.columns)

    @property
    def schema(self) -> tuple[Column, ...] | None:
        """The columns of a row of the dataset; None if the rows have others."""
        entry = KINDS[self.kind]
        if self.lab is not None:
            columns = entry.file_columns(self.lab)
        elif entry.file_forms:
            names = entry.file_forms.get(self.width, ())
            columns = tuple(column for column in entry.columns if column.name in names)
        elif entry.numbered:
            numbers = range(max(0, self.width - len(entry.columns)))
            columns = (*entry.columns, *map(entry.numbered.column, numbers))
        else:
            columns = entry.columns
        return columns if len(columns) == self.width else None

    @cached_property
    def id_types(self) -> Mapping[str, IdType]:
        """The type of each identifier by its name: the lab's, or proposed from the sample."""
        if self.lab is not None:
            return {entry.id_name: entry.id_type for entry in self.lab.identifiers_config}
        if self.kind is not MATCHING or self.schema is None or self.width < max(KINDS[MATCHING].file_forms):
            return {}
        values: dict[str, list[str]] = {}
        for name, value in zip(self.columns[1].to_pylist(), self.columns[2].to_pylist(), strict=True):
            if name and value and name != USER_ID:
                values.setdefault(name, []).append(value)
        frequent = sorted(values, key=lambda name: (-len(values[name]), name))[:MOST_NAMES]
        return {name: id_type_of(values[name]) for name in frequent}


def touched(mask: Mask) -> int:
    """Return how many rows are marked."""
    return int(mask.sum())
