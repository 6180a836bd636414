"""Trains models of lookalike audiences and scores the base users (docs/spec/media.md#54-our-model)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalab.kinds import KINDS, DatasetKind
from datalab.media.base import ATTRIBUTES, BaseAudience
from datalab.media.features import Embeddings, Features, Keys, Properties
from datalab.media.lookalikes import Scored
from datalab.media.models import MODELS, Constant, Model
from datalab.media.refusals import Refusal
from datalab.scratch import forget
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "lookalike_models"
_EMBEDDINGS = DatasetKind.EMBEDDINGS
_HELD_OUT = 10
"""One of so many users is held out."""
_MOST_NEGATIVES = 10
"""For each positive user."""
_DIGITS = 6
"""Of a score: further ones differ between machines."""


class _Candidates(NamedTuple):
    """The users that a model may learn from, ascending by key."""

    keys: Keys
    hashes: NDArray[np.uint64]

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Whether each of them is kept out of training, to measure the ranking."""
        mask: NDArray[np.bool_] = self.hashes % np.uint64(_HELD_OUT) == 0
        return mask


def user_hash(dcr_id: str, user_id: str) -> int:
    """Return the number that decides whether a user is held out; it does not depend on other users.

    >>> user_hash("preflight", "u1") % 10
    6
    """
    return int.from_bytes(hashlib.sha256(f"{dcr_id}\0{user_id}".encode()).digest()[:8], "big")


class Trainer:
    """Trains a model for each source, or several if embeddings have scopes; the highest score of a user counts."""

    def __init__(self, base: BaseAudience, scratch: Path) -> None:
        self._base = base
        self._scratch = scratch

    def score(self, source: str, name: str) -> Scored | Refusal:
        """Return scores of the base users by how alike they are to those that `source` selects.

        Raises:
            ModelNotInstalled: the packages of the model are missing.
        """
        candidates = self._candidates
        positives = self._keys("positives", source=source)
        positive = np.isin(candidates.keys, positives, assume_unique=True)
        scores = np.full(self._last_key + 1, np.nan)
        for features in self._features():
            self._score_scope(features, positive, scores)
        has_score = np.flatnonzero(~np.isnan(scores)).astype(np.int32)
        if not has_score.size:
            return Refusal.NOT_ENOUGH_SEED_USERS
        held_out = candidates.keys[candidates.held_out]
        table = {
            "key": has_score,
            "score": np.round(scores[has_score], _DIGITS),
            "held_out": np.isin(has_score, held_out, assume_unique=True),
        }
        self._base.engine.register_arrow(name, pa.table(table))
        return Scored(f"SELECT key, score FROM {name}", f"SELECT key, score FROM {name} WHERE held_out")

    def _score_scope(self, features: Features, positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> None:
        """Train on one scope, if enough of its users are positive and enough are not, and raise scores to its own."""
        candidates = self._candidates
        in_scope = np.zeros(len(candidates.keys), bool)
        for keys, _ in features.blocks():
            in_scope |= np.isin(candidates.keys, keys, assume_unique=True)
        least = max(1, self._base.room.privacy.min_training)
        chosen = _chosen(candidates, positive, in_scope)
        if min((in_scope & positive).sum(), (in_scope & ~positive).sum()) < least:
            return
        if not (chosen & positive).any() or not (chosen & ~positive).any():  # all of a class were held out
            return
        model = self._fitted(features, candidates.keys[chosen], positive[chosen])
        for keys, rows in features.blocks():
            prepared = rows if isinstance(model, Constant) else features.prepared(rows)
            scores[keys] = np.fmax(scores[keys], model.score(prepared))

    def _fitted(self, features: Features, keys: Keys, positive: NDArray[np.bool_]) -> Model:
        """Return a model that learned from the users `keys`."""
        model: Model = MODELS[self._base.room.model.algorithm]()
        found = [rows[np.isin(of, keys, assume_unique=True)] for of, rows in features.blocks()]
        rows = features.stacked(found)
        if not features.fit(rows):
            return Constant()
        model.fit(features.prepared(rows), positive)
        return model

    def _features(self) -> Iterator[Features]:
        """Yield the features of every scope; without embeddings there is one."""
        if _EMBEDDINGS not in self._base.room.lab.datasets:
            yield self._properties()
            return
        engine = self._base.engine
        names = engine.query(_SQL["scopes"].format(embeddings=_EMBEDDINGS), panel=_PANEL)["scope"].to_pylist()
        declared = KINDS[_EMBEDDINGS]
        numbers = declared.row_columns(self._base.room.lab)[len(declared.columns) :]
        columns = ", ".join(f"e.{column.name}" for column in numbers)
        path = self._scratch / "vectors.parquet"
        for scope in sorted(names):
            engine.write_parquet(
                path, _SQL["vectors"].format(columns=columns, embeddings=_EMBEDDINGS), [scope], panel=_PANEL
            )
            yield Embeddings(path)
            forget(path)

    def _properties(self) -> Properties:
        parts, width = [], 1
        for name, values in self._base.names.items():
            parts.append(_SQL["properties_of"].format(values=ATTRIBUTES[name].values, offset=width))
            width += max(values.values(), default=0) + 1
        nothing = "SELECT u.key, 0 AS property FROM room_users u WHERE FALSE"
        path = self._scratch / "properties.parquet"
        text = _SQL["properties"].format(properties=" UNION ALL ".join(parts) or nothing)
        self._base.engine.write_parquet(path, text, panel=_PANEL)
        return Properties(path, self._keys("base_users"), width)

    @cached_property
    def _candidates(self) -> _Candidates:
        path = self._scratch / "candidates.parquet"
        self._base.engine.write_parquet(path, _SQL["candidates"], panel=_PANEL)
        keys, hashes = [np.empty(0, np.int32)], [np.empty(0, np.uint64)]
        dcr = self._base.room.dcr.id
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                keys.append(batch.column("key").to_numpy())
                users = batch.column("user_id").to_pylist()
                hashes.append(np.fromiter((user_hash(dcr, user) for user in users), np.uint64, len(users)))
        forget(path)
        return _Candidates(np.concatenate(keys), np.concatenate(hashes))

    @cached_property
    def _last_key(self) -> int:
        return int(self._keys("base_users").max(initial=0))

    def _keys(self, statement: str, **parts: str) -> Keys:
        path = self._scratch / "keys.parquet"
        self._base.engine.write_parquet(path, _SQL[statement].format(**parts), panel=_PANEL)
        with pq.ParquetFile(path) as file:
            keys: Keys = file.read(["key"])["key"].to_numpy()
        forget(path)
        return keys


def _chosen(candidates: _Candidates, positive: NDArray[np.bool_], in_scope: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return who is trained on: all positives that are not held out, and the others with the smallest hashes."""
    trained = in_scope & ~candidates.held_out
    others = np.flatnonzero(trained & ~positive)
    most = _MOST_NEGATIVES * int((trained & positive).sum())
    chosen = trained & positive
    chosen[others[np.argsort(candidates.hashes[others], kind="stable")[:most]]] = True
    return chosen
