"""Lookalike audiences: rankings from given or trained scores, selections, statistics.

The rules: docs/spec/media.md#5-lookalike-model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq

from datalab.errors import DatalabError
from datalab.media.base import BaseAudience
from datalab.media.curve import Curve
from datalab.media.definitions import CustomAudience, Lookalike
from datalab.media.refusals import Refusal
from datalab.scratch import forget
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "lookalikes"
REACHES = range(1, 31)
"""The reaches of statistics, in per cent."""


class Scored(NamedTuple):
    """A SELECT of (key, score) of the users with a score, and one of those who were held out."""

    scores: str
    held_out: str


class Scorer(Protocol):
    """Gives users scores."""

    def score(self, source: str, name: str) -> Scored | Refusal:
        """Return scores of how alike users are to those that `source` selects.

        Args:
            source: a SELECT of keys.
            name: of a relation that no other call uses.
        """


class ModelNotInstalled(DatalabError):
    """The packages that lookalike models need are missing."""

    def __init__(self, extra: str) -> None:
        super().__init__(
            f"Lookalike audiences without given scores need packages that are not installed. "
            f"Install them with: pip install 'datalab[{extra}]'. All other results are complete."
        )


@dataclass
class GivenScores:
    """Scores in files: `scores_<id>.csv` and `holdout_<id>.csv` of each audience that has them."""

    base: BaseAudience
    folder: Path | None

    def of(self, audience_id: str) -> tuple[Path, Path] | None:
        """Return the files of an audience; None: it has none. An id never leads to another folder."""
        wanted = f"scores_{audience_id}.csv", f"holdout_{audience_id}.csv"
        found = {path.name: path for path in self.folder.iterdir()} if self.folder else {}
        return (found[wanted[0]], found[wanted[1]]) if all(name in found for name in wanted) else None

    def scored(self, files: tuple[Path, Path]) -> Scored:
        """Register the files of an audience and return what selects them."""
        scores, held_out = files
        fields = [("user_id", pa.string()), ("score", pa.float64())]
        self.base.engine.register_arrow("given_scores", _csv(scores, fields))
        self.base.engine.register_arrow("given_held_out", _csv(held_out, fields[:1]))
        return Scored(_SQL["given_scores"], _SQL["given_held_out"])


def _csv(path: Path, fields: list[tuple[str, pa.DataType]]) -> Any:
    schema = pa.schema(fields)
    if not path.stat().st_size:
        return schema.empty_table()
    form = pa.dataset.CsvFileFormat(read_options=pa.csv.ReadOptions(column_names=schema.names))
    return pa.dataset.dataset(path, schema=schema, format=form)


@dataclass(frozen=True)
class _Ranked:
    relation: str
    """The relation of the ranking (key, place)."""
    curve: Curve


@dataclass
class Lookalikes:
    """The rankings of a room; those of one source are made once, unless scores are given."""

    base: BaseAudience
    given: GivenScores
    model: Scorer
    scratch: Path
    missing_extra: str | None = None
    """The extra that a model needed and that is not installed."""
    _ranked: dict[str, _Ranked] = field(default_factory=dict)
    """Id of an audience → its ranking."""
    _trained: dict[str, _Ranked | Refusal] = field(default_factory=dict)
    """Source → its ranking, or why there is none."""

    def prepare(self, audience: CustomAudience, source: str) -> Refusal | None:
        """Rank the users for an audience; return why that is refused."""
        least = self.base.room.privacy.min_training
        counts = self._query("training_counts", source=source)
        if min(counts["positives"], counts["users"] - counts["positives"]) < least:
            return Refusal.NOT_ENOUGH_SEED_USERS
        if files := self.given.of(audience.id):
            self._ranked[audience.id] = self._rank(self.given.scored(files), source, f"ranking_{len(self._ranked)}")
            return None
        if source not in self._trained:
            self._trained[source] = self._train(source, f"model_{len(self._trained)}")
        trained = self._trained[source]
        if isinstance(trained, Refusal):
            return trained
        self._ranked[audience.id] = trained
        return None

    def _train(self, source: str, name: str) -> _Ranked | Refusal:
        try:
            scored = self.model.score(source, name)
        except ModelNotInstalled as error:
            self.missing_extra = str(error)
            return Refusal.MODEL_NOT_INSTALLED
        return scored if isinstance(scored, Refusal) else self._rank(scored, source, f"ranking_of_{name}")

    def _rank(self, scored: Scored, source: str, relation: str) -> _Ranked:
        engine = self.base.engine
        engine.create_table(relation, _SQL["ranking"].format(scores=scored.scores), panel=_PANEL)
        points = self.scratch / "curve.parquet"
        text = _SQL["curve"].format(held_out=scored.held_out, source=source)
        engine.write_parquet(points, text, panel=_PANEL)
        with pq.ParquetFile(points) as file:
            found = file.read(["users", "positives"])
        forget(points)
        return _Ranked(relation, Curve.of(found["users"].to_numpy(), found["positives"].to_numpy()))

    def selection(self, audience: CustomAudience, source: str) -> str:
        """Return a SELECT of the users of a prepared audience (docs/spec/media.md#52-selection)."""
        definition = audience.definition
        assert isinstance(definition, Lookalike)
        statement = "first_without_source" if definition.exclude_seed_audience else "first_of_ranking"
        ranking = self._ranked[audience.id].relation
        return _SQL[statement].format(ranking=ranking, n=self._first(definition.reach), source=source)

    def _first(self, reach: int) -> int:
        """Return how many users a reach in per cent is."""
        return reach * self.base.users // 100

    def statistics(self, audience: CustomAudience, source: str) -> dict[str, Any]:
        """Return the document lookalike_audience.json of a prepared audience."""
        ranked = self._ranked[audience.id]
        published = (lambda _: 0) if self.base.room.hides_counts else self.base.room.privacy.audience
        columns = ", ".join(
            f"CAST(COALESCE(SUM(CASE WHEN f.place <= {self._first(reach)} THEN 1 ELSE 0 END), 0) AS BIGINT) AS n{reach}"
            for reach in REACHES
        )
        ids = {}
        for name, relation in self.base.activation_relations().items():
            reached = self._query("reached", columns=columns, ids=relation, ranking=ranked.relation)
            ids[name] = {
                "addressable_audience_size": published(self._query("addressable", ids=relation)["n"]),
                "filtered_audiences": [
                    {
                        "reach": reach,
                        "size": published(reached[f"n{reach}"]),
                        "quality": {"roc_curve": ranked.curve.at(reach / 100)},
                    }
                    for reach in REACHES
                ],
            }
        sizes = {"test_set_size": ranked.curve.size, "test_set_positive_examples_size": ranked.curve.positive}
        return {
            "seed_audience_size": published(self._query("source_size", source=source)["n"]),
            "activation_ids": ids,
            "quality": {
                "roc_curve": ranked.curve.document() | {name: published(count) for name, count in sizes.items()}
            },
        }

    def _query(self, statement: str, **parts: str) -> dict[str, int]:
        row: dict[str, int] = self.base.engine.query(_SQL[statement].format(**parts), panel=_PANEL).to_pylist()[0]
        return row
