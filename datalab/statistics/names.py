"""Withholds names that must not be shown: segment names, ages and genders that hold ids of users, or are ids.

The rule: docs/spec/cases.md#names-that-must-not-be-shown. It needs the rows of the lab; names without a line break in a
lab whose datasets have users in common are not examined. This module stores no name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

import pyarrow as pa

from datalab.engines import Engine, ResultTooLargeError
from datalab.errors import UsageError
from datalab.formats import counted, listed
from datalab.kinds import KINDS, MATCHING, DatasetKind
from datalab.results.names import has_line_break
from datalab.results.validation import DatasetFacts
from datalab.statistics.sql import statements

LINE_BREAKS = ("%\n%", "%\r%")
"""Patterns of LIKE for names that hold a line break."""
MOST_CHARACTERS = 64 << 20
"""How many characters of beginnings of lines are compared with user ids."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_LISTED = "listed_names"
_SQL = statements(__file__)


class NamesUnknown(UsageError):
    """Nothing is written for sharing: it is not known whether names hold ids of users."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self.names = dict(names)
        what = listed([f"{counted(count, 'name')} of {kind}" for kind, count in names.items()])
        super().__init__(
            f"The dashboard was not written for sharing: {what} with line breaks could not be compared with the user "
            "ids of all datasets. Correct the datasets without valid rows, or the names, and run again; or write the "
            "dashboard without hiding counts, and do not share it."
        )


class Withheld(NamedTuple):
    """How many names of a dataset are withheld, and how many hold a line break and are not."""

    names: int
    unknown: int = 0
    """Of those, names to which the rule could not be applied; they are withheld to be safe."""
    shown: int = 0
    """Names with a line break that are shown: no known user id begins one of their lines."""


@dataclass(frozen=True)
class Names:
    """The names of one dataset.

    Attributes:
        engine: has the rows of the datasets, and `users`.
        kind: the dataset.
        facts: of its validation.
        panel: named in errors of the engine.
    """

    engine: Engine
    kind: DatasetKind
    facts: DatasetFacts
    panel: str

    def withheld(self, found: Iterable[str | None]) -> dict[str, str]:
        """Return what stands in place of the names that are withheld; `found` are all names of the dataset.

        They are numbered in their order; a number that a right name has already is left out.
        """
        names = {name for name in found if name}
        with_users, unknown = self._with_user_ids([name for name in names if has_line_break(name)])
        hidden = with_users | unknown
        if names and self._is_disjoint:
            hidden |= self._among("ids_among_listed", names)
        numbered = (f"withheld-{number}" for number in count(1))
        free = (text for text in numbered if text not in names)
        return {name: next(free) for name in sorted(hidden)}

    def count(self, *, any_broken: bool) -> Withheld:
        """Count the names that are withheld, without listing all; `any_broken`: whether one holds a line break."""
        relation, plain = _relation(self.kind), 0
        if self._is_disjoint:
            plain = self._number("ids_among_names", LINE_BREAKS, names=relation, ids=MATCHING.value)
        if not any_broken:
            return Withheld(plain)
        broken = self._number("number_of_broken", LINE_BREAKS, names=relation)
        if self._is_broken:
            return Withheld(plain + broken, unknown=broken if self.facts.broken_quote is None else 0)
        statement = _SQL["broken_names"].format(names=relation)
        try:
            found = self.engine.query(statement, LINE_BREAKS, panel=self.panel)["name"].to_pylist()
        except ResultTooLargeError:  # no panel can list them
            return Withheld(plain + broken, unknown=broken)
        withheld, unknown = len(self.withheld(found)), len(self._with_user_ids(found)[1])
        return Withheld(plain + withheld, unknown, shown=broken - withheld)

    @cached_property
    def _is_disjoint(self) -> bool:
        """Whether the users of the dataset and those of identifiers have nothing in common; the first one decides."""
        return self._number("common_users", kind=self.kind.value, ids=MATCHING.value) == 0

    @property
    def _is_broken(self) -> bool:
        """Whether a quote of the file is broken; an earlier version did not look, so names must count as broken."""
        return self.facts.broken_quote is not False

    def _with_user_ids(self, broken: Collection[str]) -> tuple[set[str], set[str]]:
        """Return those of the names with a line break that are withheld, and those for which this is not known."""
        if self._is_broken or not broken:
            return set(broken), set()
        longest = self._number("longest_user_id")
        starts, unknown, size = dict[str, list[str]](), set[str](), 0
        for name in sorted(broken):
            starts[name] = []
            for start in _line_starts(name, longest):
                size += len(start)
                if size > MOST_CHARACTERS:  # the rule cannot be applied to it
                    unknown.add(name)
                    break
                starts[name].append(start)
        users = self._among("users_among_listed", {start for found in starts.values() for start in found})
        return {name for name, found in starts.items() if not users.isdisjoint(found)}, unknown

    def _number(self, statement: str, parameters: Sequence[str] = (), **parts: str) -> int:
        found = self.engine.query(_SQL[statement].format(**parts), parameters, panel=self.panel)
        return int(found["n"][0].as_py())

    def _among(self, statement: str, texts: Collection[str]) -> set[str]:
        if not texts:
            return set()
        self.engine.register_arrow(_LISTED, pa.table({"name": pa.array([*texts], pa.large_string())}))
        try:
            return set(
                self.engine.query(_SQL[statement].format(ids=MATCHING.value), panel=self.panel)["name"].to_pylist()
            )
        finally:
            self.engine.drop(_LISTED)


def require_names_checked(unchecked: Mapping[str, int]) -> None:
    """Refuse if names could not be compared with all user ids, before anything is written that is made to be shared.

    Args:
        unchecked: dataset → how many of its names.

    Raises:
        NamesUnknown: there is such a name.
    """
    if unchecked:
        raise NamesUnknown(unchecked)


def _line_starts(name: str, longest: int) -> Iterator[str]:
    """Yield what the lines of a name but the first begin with before a comma, up to the `longest` user id.

    >>> [*_line_starts("sports\\nu1,food\\r\\nu,2,news\\nall", 3)]
    ['u1', 'u', 'u,2']
    """
    for line in _LINE_END.split(name)[1:]:
        comma = line.find(",", 0, longest + 1)
        while comma >= 0:
            if comma:
                yield line[:comma]
            comma = line.find(",", comma + 1, longest + 1)


def _relation(kind: DatasetKind) -> str:
    """Return the relation of the distinct names of a dataset."""
    columns = [column.name for column in KINDS[kind].columns if column.is_name]
    return " UNION ".join(f"SELECT {name} AS name FROM {kind.value} WHERE {name} IS NOT NULL" for name in columns)
