"""The shapes of the labs that are measured, at scale 1; this module makes no rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any

from datalab.collaboration import CollaborationType
from datalab.id_types import IdType
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import USER_ID, LabDefinition

_FEWEST_IDS = 64
"""At a small scale there are at least as many different ids, so that those of one user differ."""


class UserIds(StrEnum):
    """The form of user ids."""

    SHORT = auto()
    """18 characters."""
    UUID = auto()
    LONG = auto()
    """64 characters."""


@dataclass(frozen=True)
class Ids:
    """The ids of one name."""

    name: str
    id_type: IdType
    rows: int
    different: int
    """How many ids there are; in more rows than that, users share them."""
    is_matching: bool = True


@dataclass(frozen=True)
class Shape:
    """A lab: how many rows, what their cells look like, and how many of them are invalid."""

    name: str
    meaning: str
    users: int
    ids: tuple[Ids, ...]
    segments: int
    demographics: int
    embeddings: int
    segment_names: int = 500
    dimensions: int = 32
    identifiers_columns: int = 3
    user_ids: UserIds = UserIds.SHORT
    broken: float = 0.0
    """Share of the rows that are invalid alone: an empty or malformed cell, a wrong width."""
    repeated: float = 0.0
    """Share of the rows that repeat another one."""
    quoted: bool = False
    """Whether every cell is quoted."""
    accented_names: bool = False
    """Whether names of segments hold commas and letters beyond ASCII."""
    line_end: str = "\n"
    compressed: bool = False
    """Whether the files are gzip."""

    @property
    def rows(self) -> dict[DatasetKind, int]:
        """Dataset → number of rows, invalid ones included."""
        return {
            DatasetKind.IDENTIFIERS: sum(ids.rows for ids in self.ids),
            DatasetKind.SEGMENTS: self.segments,
            DatasetKind.DEMOGRAPHICS: self.demographics,
            DatasetKind.EMBEDDINGS: self.embeddings,
        }

    def scaled(self, scale: float) -> Shape:
        """Return the shape with `scale` times the users, ids and rows; forms, names and shares stay."""

        def part(number: int, least: int = 1) -> int:
            return max(round(number * scale), least)

        ids = [replace(one, rows=part(one.rows), different=part(one.different, _FEWEST_IDS)) for one in self.ids]
        return replace(
            self,
            ids=tuple(ids),
            users=part(self.users),
            segments=part(self.segments),
            demographics=part(self.demographics),
            embeddings=part(self.embeddings),
        )

    @property
    def definition(self) -> LabDefinition:
        """The definition of the lab."""
        user: dict[str, Any] = {"idName": USER_ID, "idType": IdType.STRING.value, "isActivationId": True}
        others = [
            {"idName": ids.name, "idType": ids.id_type.value, "isMatchingId": ids.is_matching, "isActivationId": False}
            for ids in self.ids
        ]
        return LabDefinition.model_validate(
            {
                "name": f"Benchmark {self.name}",
                "identifiersConfig": [user, *others],
                "numIdentifiersColumns": self.identifiers_columns,
                **{kind.flag_key: True for kind in KINDS.values() if kind.flag_key},
                **{kind.numbered.count_key: self.dimensions for kind in KINDS.values() if kind.numbered},
                "collaborationTypes": [kind.value for kind in CollaborationType],
                "shareStatistics": True,
            }
        )


_REFERENCE = Shape(
    name="reference",
    meaning="shared e-mail addresses, 1.7 million invalid or repeated rows",
    users=4_000_000,
    ids=(
        Ids("hashed_email", IdType.HASHED_EMAIL, rows=6_000_000, different=3_000_000),
        Ids("maid", IdType.MAID, rows=3_000_000, different=3_000_000, is_matching=False),
        Ids("hashed_phone", IdType.HASHED_PHONE_NUMBER, rows=1_000_000, different=1_000_000),
    ),
    segments=20_000_000,
    demographics=4_000_000,
    embeddings=1_000_000,
    broken=0.025,
    repeated=0.0236,
)


def _like_reference(name: str, meaning: str, **differences: Any) -> Shape:
    return replace(_REFERENCE, name=name, meaning=meaning, **differences)


SHAPES = {
    shape.name: shape
    for shape in (
        _REFERENCE,
        Shape(
            name="longids",
            meaning="user ids of 64 characters, nearly unique ids, 20,000 segments",
            users=400_000,
            ids=tuple(
                Ids(id_type.value.lower(), id_type, rows=2_000_000, different=1_980_000)
                for id_type in (IdType.HASHED_EMAIL, IdType.HASHED_PHONE_NUMBER, IdType.HASHED_MAID)
            ),
            segments=12_000_000,
            segment_names=20_000,
            demographics=400_000,
            embeddings=400_000,
            dimensions=64,
            user_ids=UserIds.LONG,
        ),
        _like_reference("quoted", "every cell quoted", quoted=True),
        _like_reference("crlf", "lines that end in CRLF", line_end="\r\n"),
        _like_reference("accented", "commas and accents in the names of segments", accented_names=True),
        _like_reference("uuids", "UUIDs as user ids", user_ids=UserIds.UUID),
        _like_reference(
            "pairs",
            "identifiers of two columns",
            ids=(Ids("hashed_email", IdType.HASHED_EMAIL, rows=10_000_000, different=5_000_000),),
            identifiers_columns=2,
        ),
        _like_reference("repeated", "a sixth of the rows are duplicates", broken=0.0, repeated=1 / 6),
        _like_reference("gzip", "compressed files", compressed=True),
        _like_reference(
            "crowded",
            "2,000 users with 10,000 segments each",
            users=2_000,
            ids=(Ids("hashed_email", IdType.HASHED_EMAIL, rows=3_000, different=3_000),),
            segment_names=25_000,
            demographics=2_000,
            embeddings=2_000,
        ),
        _like_reference(
            "shared",
            "ids shared by 5,000 users each",
            ids=(
                Ids("hashed_email", IdType.HASHED_EMAIL, rows=6_000_000, different=1_200),
                Ids("maid", IdType.MAID, rows=4_000_000, different=800, is_matching=False),
            ),
        ),
    )
}
"""Every shape by its name; `sample` is not among them: it is what `datalab sample` writes."""
