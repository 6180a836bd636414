"""Everything that a room answers, as one document (docs/spec/media.md#103-resultsjson)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from datalab.collaboration import CollaborationType
from datalab.errors import OutputFailed
from datalab.media import counts
from datalab.media.audiences import Audiences
from datalab.media.base import BaseAudience
from datalab.media.definitions import Lookalike, Seed
from datalab.media.insights import insights
from datalab.media.lookalikes import GivenScores, Lookalikes
from datalab.media.overlap import attributes, overlap_statistics, seed_audiences
from datalab.media.privacy import Noise
from datalab.media.refusals import Refusal
from datalab.media.staleness import staleness
from datalab.media.training import Trainer
from datalab.scratch import new_file, why

Json = dict[str, Any]


class RoomResults:
    """The answers of a room; each is computed when it is asked for.

    Args:
        base: the relations of the room.
        noise: added to the counts of insights.
        scores: given ones, in place of those of a model.
        scratch: a private directory.
    """

    def __init__(self, base: BaseAudience, noise: Noise, scores: GivenScores, scratch: Path) -> None:
        self._base = base
        self._room = base.room
        self._noise = noise
        self._scratch = scratch
        self._lookalikes = Lookalikes(base, scores, Trainer(base, scratch), scratch)
        self._audiences = Audiences(base, self._lookalikes)

    @property
    def missing_extra(self) -> str | None:
        """What to install for the models that were needed; None: nothing is missing, so far."""
        return self._lookalikes.missing_extra

    def write(self, path: Path) -> None:
        """Write results.json. It holds user lists: the caller chooses a private place.

        Raises:
            OutputFailed: it could not be written.
        """
        try:
            with new_file(path).open("w", encoding="utf-8") as file:
                _write_object(file, self._documents())
        except OSError as error:
            raise OutputFailed(path, why(error)) from None

    def _documents(self) -> Iterator[tuple[str, Any]]:
        overlap = overlap_statistics(self._base)
        audiences = self._room.audiences.values()
        yield "seed_report", self._base.seed.numbers()
        yield "seed_audiences", seed_audiences(overlap)
        yield "attributes", attributes(self._base)
        yield "overlap", overlap
        yield "insights", self._insights()
        yield "estimates", {one.id: self._size(self._audiences.members(one)) for one in audiences}
        yield "seed_estimates", {name: self._seed_size(name) for name in self._base.seed_types}
        yield "user_lists", _Entries((one.id, self._user_list(self._audiences.members(one))) for one in audiences)
        yield "lookalike_statistics", self._lookalike_statistics()
        yield "staleness", {one.id: staleness(self._base, one) for one in audiences}

    def _insights(self) -> Json:
        if CollaborationType.INSIGHTS not in self._room.types:
            return _refused(Refusal.COLLABORATION_TYPE_DISABLED)
        return insights(self._base, self._noise)

    def _size(self, members: str | Refusal) -> Json:
        return _refused(members) if isinstance(members, Refusal) else counts.size(self._base, members)

    def _seed_size(self, audience_type: str) -> Json:
        return self._size(self._audiences.users_of(Seed(kind="SEED", audience_type=audience_type)))

    def _user_list(self, members: str | Refusal) -> Json | Iterator[str]:
        if isinstance(members, Refusal):
            return _refused(members)
        activation_id = self._room.activation_id
        if activation_id is None:
            return _refused(Refusal.ACTIVATION_ID_NOT_SET)
        if counts.count(self._base, "users", members) < self._room.privacy.min_export:
            return _refused(Refusal.AUDIENCE_TOO_SMALL)
        path = self._scratch / "users.parquet"
        counts.write_user_list(self._base, members, activation_id.id_name, path)
        return counts.read_user_list(path)

    def _lookalike_statistics(self) -> Json:
        found: Json = {}
        for audience in self._room.audiences.values():
            definition = audience.definition
            if not isinstance(definition, Lookalike):
                continue
            members = self._audiences.members(audience)
            if CollaborationType.LOOKALIKE not in self._room.types:
                found[audience.id] = _refused(Refusal.COLLABORATION_TYPE_DISABLED)
            elif isinstance(members, Refusal):
                found[audience.id] = _refused(members)
            else:
                source = self._audiences.users_of(definition.source_ref)
                found[audience.id] = self._lookalikes.statistics(audience, source)
        return found


@dataclass(frozen=True)
class _Entries:
    """The entries of an object, made one after the other."""

    entries: Iterable[tuple[str, Any]]


def _refused(refusal: Refusal) -> Json:
    return {"error": refusal.value}


def _write_object(file: TextIO, entries: Iterable[tuple[str, Any]]) -> None:
    """Write an object as JSON. An iterator becomes a list of texts, which is never in memory as a whole."""
    file.write("{")
    for number, (key, value) in enumerate(entries):
        file.write(f"{',' if number else ''}\n{json.dumps(key, ensure_ascii=False)}: ")
        if isinstance(value, _Entries):
            _write_object(file, value.entries)
        elif isinstance(value, Iterator):
            _write_list(file, value)
        else:
            json.dump(value, file, ensure_ascii=False)
    file.write("\n}")


def _write_list(file: TextIO, texts: Iterator[str]) -> None:
    file.write("[")
    for number, text in enumerate(texts):
        file.write(f"{',' if number else ''}\n {json.dumps(text, ensure_ascii=False)}")
    file.write("]")
