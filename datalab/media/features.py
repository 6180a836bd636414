"""What models know of users, in blocks of users, so that memory does not grow with their number.

A source of features yields blocks of (keys, rows): dense rows of embeddings, or sparse rows of properties.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalab.media.models import Rows, needed

BLOCK_USERS = 200_000
_BLOCK_CELLS = 20_000_000
_FEWEST_USERS = 10
"""A property that fewer training users have is left out."""

Keys = NDArray[np.int32]


class Features(Protocol):
    """The features of users, ascending by key."""

    def blocks(self) -> Iterator[tuple[Keys, Rows]]:
        """Yield the users and their rows."""

    def stacked(self, blocks: list[Rows]) -> Rows:
        """Return blocks as one."""

    def fit(self, rows: Rows) -> bool:
        """Learn from the training rows how rows are prepared; return whether anything is left of them."""

    def prepared(self, rows: Rows) -> Rows:
        """Return rows as the model takes them."""


@dataclass
class Embeddings:
    """Vectors in a Parquet file, `key` first; they are standardised with the training rows."""

    path: Path

    def blocks(self) -> Iterator[tuple[Keys, Rows]]:
        with pq.ParquetFile(self.path) as file:
            columns = max(1, len(file.schema_arrow) - 1)
            for batch in file.iter_batches(min(BLOCK_USERS, max(1, _BLOCK_CELLS // columns))):
                values = [batch.column(number).to_numpy(zero_copy_only=False) for number in range(1, columns + 1)]
                yield batch.column(0).to_numpy(), np.column_stack(values)

    def stacked(self, blocks: list[Rows]) -> Rows:
        return np.concatenate(blocks)

    def fit(self, rows: Rows) -> bool:
        # An unknown value, or one that is not finite, is none: it becomes the mean.
        known = np.isfinite(rows)
        count = np.maximum(known.sum(axis=0), 1)
        self._mean = np.where(known, rows, 0.0).sum(axis=0) / count
        self._deviation = np.sqrt((np.where(known, rows - self._mean, 0.0) ** 2).sum(axis=0) / count)
        return True

    def prepared(self, rows: Rows) -> Rows:
        varies = self._deviation > 0
        scaled = (rows - self._mean) / np.where(varies, self._deviation, 1.0)
        return np.where(np.isfinite(rows) & varies, scaled, 0.0)


@dataclass
class Properties:
    """Segments, ages and genders in a Parquet file (key, property), as a sparse matrix of 0 and 1.

    Args:
        path: of the file, sorted.
        users: the keys of all users; one without a property has an empty row.
        width: how many properties there are.
    """

    path: Path
    users: Keys
    width: int

    def blocks(self) -> Iterator[tuple[Keys, Rows]]:
        sparse = needed("scipy.sparse")
        with pq.ParquetFile(self.path) as file:
            batches = file.iter_batches(1 << 20)
            keys, properties = np.empty(0, np.int32), np.empty(0, np.int32)
            for first in range(0, len(self.users), BLOCK_USERS):
                users = self.users[first : first + BLOCK_USERS]
                while not keys.size or keys[-1] <= users[-1]:
                    batch = next(batches, None)
                    if batch is None:
                        break
                    keys = np.concatenate([keys, batch.column(0).to_numpy()])
                    properties = np.concatenate([properties, batch.column(1).to_numpy()])
                end = int(np.searchsorted(keys, users[-1], "right"))
                places = np.searchsorted(users, keys[:end])
                cells = (np.ones(end), (places, properties[:end]))
                yield users, sparse.csr_matrix(cells, shape=(len(users), self.width))
                keys, properties = keys[end:], properties[end:]

    def stacked(self, blocks: list[Rows]) -> Rows:
        return needed("scipy.sparse").vstack(blocks, format="csr")

    def fit(self, rows: Rows) -> bool:
        self._kept = np.flatnonzero(rows.getnnz(axis=0) >= _FEWEST_USERS)
        return bool(self._kept.size)

    def prepared(self, rows: Rows) -> Rows:
        return rows[:, self._kept]
