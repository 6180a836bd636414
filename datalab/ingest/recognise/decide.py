"""Which kind of dataset the columns of a file are; docs/spec/portal.md#2-states has the rules.

A file that could also be of another kind is never decided: it is not sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.formats import has_format
from datalab.ingest.recognise.columns import formats
from datalab.ingest.recognise.facts import MOST, ColumnFacts, Form, ValueType
from datalab.kinds import KINDS, MATCHING, DatasetKind

IDENTIFIERS, SEGMENTS = MATCHING, DatasetKind.SEGMENTS
DEMOGRAPHICS, EMBEDDINGS = DatasetKind.DEMOGRAPHICS, DatasetKind.EMBEDDINGS

FEW = 20
"""The most different values of a column that names something, such as an identifier or an age."""

_REPEATED = 3
"""How often the values of a column are there on average that are names of groups and not of users."""
_NAMES_REPEATED = 1.5
"""The same for values that are words without digits."""
_MANY_ROWS = 30
_MANY_NUMBERS = 8
_MOST_AGES = 130
_USER_ID = r"[^\s<>{}\[\]\"=;]+"
_PLAIN_ID = r"[A-Za-z0-9._@+/=|-]{3,256}"
_ID_WITH_DIGITS = r"[A-Za-z0-9._@+/=|-]*(?:[A-Za-z][^A-Za-z]*[0-9]|[0-9][^0-9]*[A-Za-z])[A-Za-z0-9._@+/=|-]*"
GROUP_NAME = r"[\p{L}][\p{L} &'/.,()+_-]*"
_ID_NAME = (
    r"(?i).*(?:e-?mail|phone|telefon|m?aid|idfa|hash|sha-?256|cookie|utiq|net_?id|id5|first_?id|one_?id|ip(?:v4)?"
    r"|user_?id|crm|(?:^|_|-)id)"
    r".*"
)
AGE = r"(?i)[<>]?\s*[0-9]{1,3}\s*(?:[-–—+]|to|bis|and)?\s*(?:[0-9]{1,3}|\+|older|over)?|unknown"
_AGE_RANGE = r"[0-9]{1,3}\s*[-–—]\s*[0-9]{1,3}|[0-9]{2}\+"
GENDER = (
    r"(?i)f|m|d|w|x|u|o|n|h|v|fe?male|man|woman|men|women|diverse?|divers|non-?binary|other|unknown|männlich|weiblich"
    r"|mann|frau|homme|femme|hombre|mujer|uomo|donna|maschio|femmina|vrouw|vrouwelijk|mannelijk|boy|girl"
)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}.*"


class Decision(NamedTuple):
    """The kind of a file; None: not sure, and what it could be, the most likely first."""

    kind: DatasetKind | None
    possible: tuple[DatasetKind, ...] = ()
    form: Form = Form.ROWS


def decide(columns: Sequence[pa.StringArray], facts: Sequence[ColumnFacts]) -> Decision:
    """Return the kind of dataset that the columns are, headers left out."""
    table = _Table(columns, facts)
    if not table.rows or not table.is_like(0, _USER_ID):
        return Decision(None)
    by_width = {1: _one, 2: _two, 3: _three}
    return by_width.get(len(columns), _more)(table)


class _Table:
    """The columns of a file and what is known of them."""

    def __init__(self, columns: Sequence[pa.StringArray], facts: Sequence[ColumnFacts]) -> None:
        self.columns = columns
        self.facts = facts
        self.rows = len(columns[0])

    def filled(self, number: int) -> pa.StringArray:
        column = self.columns[number]
        return column.filter(pc.not_equal(column, ""))

    def is_like(self, number: int, pattern: str) -> bool:
        """Return whether nearly all values have this form."""
        values = self.filled(number)
        return len(values) > 0 and _share(has_format(pc.utf8_trim_whitespace(values), pattern)) >= MOST

    def are_names(self, number: int, pattern: str) -> bool:
        """Return whether nearly all different values have this form, however often they are there."""
        values = pc.unique(self.filled(number))
        return len(values) > 0 and _share(has_format(pc.utf8_trim_whitespace(values), pattern)) >= MOST

    def repeats(self, number: int) -> float:
        """Return how often a value is there on average."""
        facts = self.facts[number]
        return facts.filled * self.rows / max(1, facts.distinct)

    def is_id(self, number: int) -> bool:
        """Return whether nearly all values are of an identifier type, whichever it is; numbers must begin with plus."""
        types = self.facts[number].types
        if sum(types.get(id_type.value, 0.0) for id_type in formats()) < MOST:
            return False
        return not self.is_number(number) or self.is_like(number, r"\+.*")

    def is_number(self, number: int) -> bool:
        facts = self.facts[number]
        return not facts.filled or facts.is_of(ValueType.NUMBER, ValueType.DECIMAL_COMMA)

    def has_decimals(self, number: int) -> bool:
        return self.facts[number].is_of(ValueType.DECIMAL_COMMA) or self.is_like(number, r"[+-]?[0-9]*\.[0-9].*")


def _one(table: _Table) -> Decision:
    is_sure = table.is_id(0) or (
        table.is_like(0, _PLAIN_ID) and table.facts[0].distinct > 1 and table.repeats(0) < 1 / MOST
    )
    return Decision(IDENTIFIERS) if is_sure else Decision(None, (IDENTIFIERS,))


def _two(table: _Table) -> Decision:
    second = table.facts[1]
    if second.is_of(ValueType.ARRAY):
        return Decision(SEGMENTS, form=Form.ARRAYS)
    if second.is_of(ValueType.NUMBER_ARRAY):
        return Decision(None, (EMBEDDINGS, SEGMENTS), Form.ARRAYS)
    if _share(pc.equal(table.columns[0], table.columns[1])) >= MOST:
        return Decision(IDENTIFIERS)
    repeats = table.repeats(1)
    if table.is_id(1):
        is_group = repeats >= _REPEATED and table.rows >= _MANY_ROWS
        return Decision(None, (IDENTIFIERS, SEGMENTS)) if is_group else Decision(IDENTIFIERS)
    if table.is_like(1, _AGE_RANGE) or table.is_like(1, GENDER):
        return Decision(None, (SEGMENTS, DEMOGRAPHICS))
    if table.has_decimals(1):
        return Decision(None)
    are_groups = repeats >= _REPEATED or (repeats >= _NAMES_REPEATED and table.are_names(1, GROUP_NAME))
    if are_groups and table.facts[0].distinct > 1:
        return Decision(SEGMENTS)
    likely = (SEGMENTS, IDENTIFIERS) if table.is_like(1, GROUP_NAME) else (IDENTIFIERS, SEGMENTS)
    return Decision(None, likely)


def _three(table: _Table) -> Decision:
    second, third = table.facts[1:3]
    if third.is_of(ValueType.NUMBER_ARRAY):
        return Decision(EMBEDDINGS, form=Form.ARRAYS)
    if second.filled and third.filled and table.is_id(1) and table.is_id(2):
        return Decision(IDENTIFIERS, form=Form.WIDE)
    if second.distinct <= FEW and _are_ids_by_name(table):
        return Decision(IDENTIFIERS)
    one_row_per_user = table.repeats(0) < 1 / MOST
    ages, genders = table.is_like(1, AGE), table.is_like(2, GENDER)
    if one_row_per_user and third.distinct <= FEW and second.distinct <= _MOST_AGES and (ages or genders):
        return Decision(DEMOGRAPHICS)
    if third.is_of(ValueType.ARRAY):
        return Decision(None, (SEGMENTS,), Form.ARRAYS)
    possible = [SEGMENTS]
    if second.distinct <= FEW and not table.is_like(2, _DATE):
        possible.insert(0, DEMOGRAPHICS if third.distinct <= FEW else IDENTIFIERS)
    return Decision(None, tuple(possible))


def _are_ids_by_name(table: _Table) -> bool:
    """Return whether the third column has ids and the second one their names."""
    if table.is_id(2) or table.are_names(1, _ID_NAME):
        return True
    names, ids = table.are_names(1, r"\p{L}[\p{L}_ -]*"), table.is_like(2, _ID_WITH_DIGITS)
    return names and ids and table.repeats(2) <= 2 and not table.is_like(2, _DATE)


def _more(table: _Table) -> Decision:
    after = range(1, len(table.columns))
    ids = [number for number in after if table.facts[number].filled and table.is_id(number)]
    if len(ids) > 1:
        return Decision(IDENTIFIERS, form=Form.WIDE)
    numbers = [number for number in after if table.is_number(number)]
    filled = [number for number in numbers if table.facts[number].filled]
    if len(numbers) >= len(after) - 1 and set(after[1:]) <= set(numbers) and filled:
        is_vector = len(filled) >= _MANY_NUMBERS or all(map(table.has_decimals, filled))
        return Decision(EMBEDDINGS) if is_vector else Decision(None, (EMBEDDINGS,))
    return Decision(None, tuple(kind for kind in KINDS if kind is IDENTIFIERS and ids))


def _share(matches: pa.BooleanArray) -> float:
    return float(matches.true_count) / max(1, len(matches))
