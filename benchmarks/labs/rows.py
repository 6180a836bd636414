"""The lines of the files of a shape; this module writes no file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.labs.faults import Draws, joined
from benchmarks.labs.order import Layers, coprime, scattered
from benchmarks.labs.shapes import Ids, Shape, UserIds
from benchmarks.labs.text import hashes, numbers, short_ids, uuids
from datalab.id_types import IdType
from datalab.kinds import KINDS, Column, DatasetKind
from datalab.sample.draw import Positions, Words, words

_USER_IDS: dict[UserIds, Callable[[int, str, Words], pa.StringArray]] = {
    UserIds.SHORT: short_ids,
    UserIds.UUID: uuids,
    UserIds.LONG: hashes,
}
_ACCENTED = ("Männer, {}", "Café, été {}", "Żółte buty, {}", "東京, {}")


@dataclass(frozen=True)
class File:
    """The file of one dataset of a lab of a shape, which has its scale already."""

    shape: Shape
    kind: DatasetKind
    seed: int

    @property
    def rows(self) -> int:
        return self.shape.rows[self.kind]

    @cached_property
    def _draws(self) -> Draws:
        return Draws(self.kind, self.seed, self.rows, self.shape.broken, self.shape.repeated)

    @property
    def _separator(self) -> str:
        return '","' if self.shape.quoted else ","

    def lines(self, first: int, count: int) -> tuple[pa.StringArray, int]:
        """Return `count` lines beginning with row `first`, and how many of them are invalid.

        Of rows with the same key, all but one count.
        """
        rows = np.arange(first, min(first + count, self.rows))
        origins, repeated = self._draws.origins(rows)
        faults = self._draws.faults(rows)
        cells = self._identifiers(origins) if self.kind is DatasetKind.IDENTIFIERS else self._others(origins)
        text = joined(cells, self._separator, faults)
        quote = '"' if self.shape.quoted else ""
        lines = pc.binary_join_element_wise(quote, text, f"{quote}{self.shape.line_end}", "")
        return lines, repeated + sum(int(mask.sum()) for mask in faults.values())

    def _users(self, places: Positions) -> Words:
        """Return the users at these places; each dataset has its own order, and some users are only in one of them."""
        sample, users = KINDS[self.kind].sample, self.shape.users
        return (scattered(places, users, sample.stride) + round(users * sample.shift)).astype(np.uint64)

    def _user_ids(self, users: Words) -> pa.StringArray:
        return _USER_IDS[self.shape.user_ids](self.seed, "user", users)

    def _identifiers(self, rows: Positions) -> list[pa.StringArray]:
        rows = scattered(rows, self.rows)
        starts = np.concatenate([[0], np.cumsum([ids.rows for ids in self.shape.ids])])
        which = np.searchsorted(starts, rows, side="right") - 1
        users = np.empty(len(rows), np.uint64)
        parts, places = [], []
        for number, ids in enumerate(self.shape.ids):
            mine = np.flatnonzero(which == number)
            part = rows[mine] - starts[number]
            users[mine] = self._users(Layers.of(ids.rows, self.shape.users).find(part)[1])
            parts.append(_ids(self.seed, ids, part, self.shape.users))
            places.append(mine)
        values = pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))
        names = pa.array([ids.name for ids in self.shape.ids]).take(pa.array(which))
        by_column = {"user_id": self._user_ids(users), "id_name": names, "id": values}
        return [by_column[column] for column in KINDS[self.kind].file_forms[self.shape.identifiers_columns]]

    def _others(self, rows: Positions) -> list[pa.StringArray]:
        layer, place = Layers.of(self.rows, self.shape.users).find(scattered(rows, self.rows))
        users = self._users(place)
        declared = KINDS[self.kind]
        cells = [self._user_ids(users)]
        for column in declared.columns[1:]:
            in_key = column.name in declared.key
            names = self._names(column)
            drawn = words(self.seed, column.name, users) % np.uint64(len(names))
            step = coprime(round(len(names) * 0.382), len(names))
            different = (drawn.astype(np.int64) + (layer * step if in_key else 0)) % len(names)
            cells.append(names.take(pa.array(different)))
        if declared.numbered:
            row = users * np.uint64(64) + layer.astype(np.uint64)
            cells.append(numbers(self.seed, "numbers", row, self.shape.dimensions, self._separator))
        return cells

    def _names(self, column: Column) -> pa.StringArray:
        """Return the different values of a column."""
        if self.kind is not DatasetKind.SEGMENTS:
            return pa.array([value for value, _ in column.sample])
        count = self.shape.segment_names
        if not self.shape.accented_names:
            return pa.array([f"Interest {number:05d}" for number in range(count)])
        names = [_ACCENTED[number % len(_ACCENTED)].format(number) for number in range(count)]
        return pa.array(names if self.shape.quoted else [f'"{name}"' for name in names])


def _ids(seed: int, ids: Ids, rows: Positions, users: int) -> pa.StringArray:
    """Return the ids of these rows of one name; users share them if there are fewer, but no user has one twice."""
    starts = np.unique(Layers.of(ids.rows, users).starts[:-1])
    apart = (starts[:, None] - starts)[np.tril_indices(len(starts), -1)]
    different = min(ids.different, ids.rows)
    while different > 1 and (apart % different == 0).any():
        different -= 1
    which = (rows % different).astype(np.uint64)
    make = uuids if ids.id_type is IdType.MAID else hashes
    return make(seed, ids.name, which)
