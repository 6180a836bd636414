"""A lab while it is being made: what was chosen at each step of the wizard, what that requires, what is still wrong.

No web here; the rules themselves are those of `datalab.lab` and `datalab.collaboration`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from datalab.collaboration import CollaborationType
from datalab.errors import ConfigurationError
from datalab.formats import counted, listed
from datalab.id_types import IdType
from datalab.kinds import KINDS, OPTIONAL, DatasetKind
from datalab.lab import LabDefinition, lab_from_dict
from datalab_dagster.service.models import ServiceModel

STEPS = ("Collaboration types", "Identifiers", "Identifiers schema", "Name and review")
TYPES_STEP, IDENTIFIERS_STEP, SCHEMA_STEP, REVIEW_STEP = 1, 2, 3, 4
MAX_IDENTIFIERS = 30


class DraftIdentifier(ServiceModel):
    """One identifier as it was typed; the type is one of the list, the name may still be empty."""

    id_name: str = ""
    id_type: IdType = IdType.STRING
    is_matching_id: bool = False
    is_activation_id: bool = False


USUAL_IDENTIFIERS = (
    DraftIdentifier(id_name="userId", id_type=IdType.STRING, is_activation_id=True),
    DraftIdentifier(id_name="hashed_email", id_type=IdType.HASHED_EMAIL, is_matching_id=True),
)
"""What a new lab begins with."""


class Draft(ServiceModel):
    """Everything that was chosen so far; what a hidden field carries from step to step."""

    collaboration_types: list[CollaborationType] = Field(
        default_factory=lambda: [kind for kind in CollaborationType if kind.is_default]
    )
    datasets: list[DatasetKind] = Field(default_factory=lambda: [kind for kind in OPTIONAL if KINDS[kind].in_new_labs])
    counts: dict[DatasetKind, int] = Field(default_factory=dict)
    """How many numbered columns a dataset has, of those that have such."""
    identifiers: list[DraftIdentifier] = Field(default_factory=lambda: list(USUAL_IDENTIFIERS))
    num_columns: int = 3
    name: str = ""
    share_statistics: bool = False
    drop_invalid_rows: bool = True

    def wire(self, publisher: str | None = None) -> dict[str, Any]:
        """Return the definition in wire keys, whether or not it holds together."""
        return {
            "name": self.name,
            "collaborationTypes": [kind.value for kind in self.collaboration_types],
            **{declared.flag_key: kind in self.datasets for kind, declared in KINDS.items() if declared.flag_key},
            **{
                declared.numbered.count_key: self.counts.get(kind, 0) if kind in self.datasets else 0
                for kind, declared in KINDS.items()
                if declared.numbered
            },
            "identifiersConfig": [entry.model_dump(mode="json") for entry in self.identifiers],
            "numIdentifiersColumns": self.num_columns,
            "shareStatistics": self.share_statistics,
            "dropInvalidRows": self.drop_invalid_rows,
            "publisherEmail": publisher,
        }


class Requirement(ServiceModel):
    """What one collaboration type needs of a lab."""

    type: CollaborationType
    name: str
    purpose: str
    must: list[str]
    nice: list[str]


class Schema(ServiceModel):
    """One form that the identifiers file may have, and whether this lab may use it."""

    columns: int
    header: str
    possible: bool
    why: str
    example: list[str]


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return what every collaboration type must have and what would be nice, in their order."""
    return tuple(
        Requirement(
            type=kind,
            name=kind.label,
            purpose=kind.purpose,
            must=[part.words for part in kind.must],
            nice=[part.words for part in kind.nice],
        )
        for kind in CollaborationType
    )


def draft_from(text: str) -> Draft:
    """Return the draft that a hidden field carries; one that was tampered with starts anew."""
    try:
        return Draft.model_validate_json(text) if text else Draft()
    except ValidationError:
        return Draft()


def problems(draft: Draft, step: int) -> list[str]:
    """Return what is wrong with everything up to and including `step`, a sentence each."""
    found = _dataset_problems(draft)
    if step >= IDENTIFIERS_STEP:
        wire = draft.wire() | ({} if step >= SCHEMA_STEP else {"numIdentifiersColumns": 3})
        found += _mistakes(wire)
    if step >= REVIEW_STEP and not draft.name:
        found.append("The lab needs a name that people recognise.")
    return list(dict.fromkeys(found))


def definition(draft: Draft, publisher: str) -> LabDefinition:
    """Return the finished definition.

    Raises:
        ConfigurationError: it does not hold together; `problems` says the same in words.
    """
    return lab_from_dict(draft.wire(publisher), "The new lab")


def needs(draft: Draft) -> list[tuple[str, bool]]:
    """Return what the chosen types need of identifiers, and whether it is there."""
    named = [entry for entry in draft.identifiers if entry.id_name]
    found = [
        ("One identifier is named userId", any(entry.id_name == "userId" for entry in named)),
        ("At least one matching id", any(entry.is_matching_id for entry in named)),
    ]
    types = [kind.label for kind in CollaborationType if kind in draft.collaboration_types and kind.activates]
    if types:
        needed = f"At least one activation id, for {listed(types)}"
        found.append((needed, any(entry.is_activation_id for entry in named)))
    return found


def schemas(draft: Draft) -> list[Schema]:
    """Return the three forms of the identifiers file, the simplest first."""
    names = [entry.id_name for entry in draft.identifiers]
    other = next((name for name in names if name != "userId"), "id")
    count = len(names)
    has = f"This lab has {counted(count, 'identifier')}."
    rows = [f"user-1,{name},{'user-1' if name == 'userId' else '…'}" for name in names[:3]]
    return [
        Schema(
            columns=1,
            header="userId",
            possible=count == 1,
            why="For labs whose only identifier is userId." if count == 1 else f"Needs exactly one identifier. {has}",
            example=["user-1", "user-2"],
        ),
        Schema(
            columns=2,
            header=f"userId, {other}",
            possible=count == 2,
            why=(
                "For labs with userId and one other identifier: one row per user and id."
                if count == 2
                else f"Needs exactly two identifiers. {has}"
            ),
            example=["user-1,…", "user-2,…"],
        ),
        Schema(
            columns=3,
            header="userId, idName, id",
            possible=True,
            why="Always possible; the only one for three identifiers and more. One row per id.",
            example=rows,
        ),
    ]


def _dataset_problems(draft: Draft) -> list[str]:
    """Datasets that a chosen type must have and the lab would not."""
    found = []
    for chosen in CollaborationType:
        for part in chosen.must if chosen in draft.collaboration_types else ():
            if part.datasets and not set(part.datasets) & set(draft.datasets):
                add = "add the dataset" if len(part.datasets) == 1 else "add one"
                found.append(f"{chosen.label} must have {part.words}: {add}, or leave {chosen.label} out.")
    for kind in draft.datasets:
        numbered = KINDS[kind].numbered
        if numbered and draft.counts.get(kind, 0) < 1:
            found.append(f"{KINDS[kind].title} need the number of {numbered.what} columns, at least 1.")
    return found


_COUNT_KEYS = tuple(kind.numbered.count_key for kind in KINDS.values() if kind.numbered)


def _mistakes(wire: dict[str, Any]) -> list[str]:
    try:
        lab_from_dict(wire)
    except ConfigurationError as error:
        return [_spoken(mistake) for mistake in error.mistakes if not mistake.startswith(_COUNT_KEYS)]
    return []


_PLACE = re.compile(r"^identifiersConfig\[(\d+)\]\.(idName|idType)?:?\s*(.*)$")


def _spoken(mistake: str) -> str:
    """A mistake without the wire key in front of it, and identifiers counted as people do."""
    if place := _PLACE.match(mistake):
        number, field, text = int(place[1]) + 1, place[2], place[3]
        if field == "idName":
            return f"Identifier {number} needs a name."
        return f"Identifier {number}: {text}"
    key, colon, text = mistake.partition(": ")
    return text if colon and re.fullmatch(r"[A-Za-z]+", key) else mistake


def without_blank(draft: Draft) -> Draft:
    """Return the draft without identifiers that have no name."""
    return draft.model_copy(update={"identifiers": [entry for entry in draft.identifiers if entry.id_name.strip()]})


def changed_rows(draft: Draft, command: str) -> Draft:
    """Return the draft with an identifier added (``add``) or taken out (``remove-2``)."""
    rows = list(draft.identifiers)
    if command == "add" and len(rows) < MAX_IDENTIFIERS:
        rows.append(DraftIdentifier())
    name, _, at = command.partition("-")
    if name == "remove" and at.isdigit() and int(at) < len(rows):
        del rows[int(at)]
    return draft.model_copy(update={"identifiers": rows})


def with_possible_schema(draft: Draft) -> Draft:
    """Return the draft with the base schema chosen where the one chosen before no longer fits the identifiers."""
    possible = {schema.columns for schema in schemas(draft) if schema.possible}
    return draft if draft.num_columns in possible else draft.model_copy(update={"num_columns": 3})
