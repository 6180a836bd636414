"""A lab that is being created: the choices of each step of the wizard, their requirements and errors.

No web here; `datalab.lab` and `datalab.collaboration` have the rules.
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
from datalab.lab_limits import MOST_EMBEDDINGS
from datalab_dagster.service.models import ServiceModel

STEPS = ("Collaboration types", "Identifiers", "Identifiers schema", "Name and review")
TYPES_STEP, IDENTIFIERS_STEP, SCHEMA_STEP, REVIEW_STEP = 1, 2, 3, 4
MAX_IDENTIFIERS = 30


class DraftIdentifier(ServiceModel):
    """One identifier as typed; the type is from the list, the name may still be empty."""

    id_name: str = ""
    id_type: IdType = IdType.STRING
    is_matching_id: bool = False
    is_activation_id: bool = False


USUAL_IDENTIFIERS = (
    DraftIdentifier(id_name="userId", id_type=IdType.STRING, is_activation_id=True),
    DraftIdentifier(id_name="hashed_email", id_type=IdType.HASHED_EMAIL, is_matching_id=True),
)
"""The choices of a new lab."""


class Draft(ServiceModel):
    """All choices so far, which a hidden field carries from step to step."""

    collaboration_types: list[CollaborationType] = Field(
        default_factory=lambda: [kind for kind in CollaborationType if kind.is_default]
    )
    datasets: list[DatasetKind] = Field(default_factory=lambda: [kind for kind in OPTIONAL if KINDS[kind].in_new_labs])
    counts: dict[DatasetKind, int] = Field(default_factory=dict)
    """Number of numbered columns of each dataset that has such columns."""
    identifiers: list[DraftIdentifier] = Field(default_factory=lambda: list(USUAL_IDENTIFIERS))
    num_columns: int = 3
    name: str = ""
    share_statistics: bool = False
    drop_invalid_rows: bool = True

    def wire(self, publisher: str | None = None) -> dict[str, Any]:
        """Return the definition in wire keys, valid or not."""
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
    """The requirements of one collaboration type."""

    type: CollaborationType
    name: str
    purpose: str
    must: list[str]
    nice: list[str]


class Problem(ServiceModel):
    """Why a step cannot be left."""

    text: str
    field: str = ""
    """The id of the field on the page of its step; empty: it is about no single field, or that of another step."""


class Schema(ServiceModel):
    """One base schema of the identifiers file, and whether this lab may use it."""

    columns: int
    header: str
    possible: bool
    why: str
    example: list[str]


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return the required and the useful parts of every collaboration type, in the order of the types."""
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
    """Return the draft that a hidden field carries; start again if it was tampered with."""
    try:
        return Draft.model_validate_json(text) if text else Draft()
    except ValidationError:
        return Draft()


def problems(draft: Draft, step: int) -> list[Problem]:
    """Return the errors up to and including `step`, a sentence each; those of this step name their fields."""
    found = {
        TYPES_STEP: _dataset_problems(draft),
        IDENTIFIERS_STEP: _errors(draft.wire() | {"numIdentifiersColumns": 3}),
        SCHEMA_STEP: _errors(draft.wire()),
        REVIEW_STEP: [] if draft.name else [Problem(text="Enter a name for the Datalab.", field="name")],
    }
    listed: dict[str, Problem] = {}
    for at in range(TYPES_STEP, step + 1):
        for problem in found[at]:
            here = problem if at == step else problem.model_copy(update={"field": ""})
            listed.setdefault(problem.text, here)
    return [*listed.values()]


def definition(draft: Draft, publisher: str) -> LabDefinition:
    """Return the finished definition.

    Raises:
        ConfigurationError: it is not valid; `problems` has the same errors in words.
    """
    return lab_from_dict(draft.wire(publisher), "The new lab")


def needs(draft: Draft) -> list[tuple[str, bool]]:
    """Return the chosen types' requirements for identifiers, and whether they are met."""
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
            why="One row per id. Needed for three or more identifiers.",
            example=rows,
        ),
    ]


def _dataset_problems(draft: Draft) -> list[Problem]:
    """Return what is wrong with datasets that a chosen type requires, and with the numbers of their columns."""
    found = []
    for chosen in CollaborationType:
        for part in chosen.must if chosen in draft.collaboration_types else ():
            if part.datasets and not set(part.datasets) & set(draft.datasets):
                add = "add the dataset" if len(part.datasets) == 1 else "add one"
                text = f"{chosen.label} must have {part.words}: {add}, or leave {chosen.label} out."
                found.append(Problem(text=text, field=part.datasets[0]))
    for kind in draft.datasets:
        numbered = KINDS[kind].numbered
        if numbered and draft.counts.get(kind, 0) < 1:
            text = f"{KINDS[kind].title} need the number of {numbered.what} columns, at least 1."
            found.append(Problem(text=text, field=numbered.count))
        if numbered and draft.counts.get(kind, 0) > MOST_EMBEDDINGS:
            most = counted(MOST_EMBEDDINGS, f"{numbered.what} column")
            found.append(Problem(text=f"{KINDS[kind].title} have at most {most}.", field=numbered.count))
    return found


_COUNT_KEYS = tuple(kind.numbered.count_key for kind in KINDS.values() if kind.numbered)


def _errors(wire: dict[str, Any]) -> list[Problem]:
    try:
        lab_from_dict(wire)
    except ConfigurationError as error:
        return [_spoken(found) for found in error.mistakes if not found.startswith(_COUNT_KEYS)]
    return []


_PLACE = re.compile(r"^identifiersConfig\[(\d+)\]\.(idName|idType)?:?\s*(.*)$")
_FIELDS = {"identifiersConfig": "identifiers", "numIdentifiersColumns": "schemas"}
"""Wire key → the id of what shows it."""


def _spoken(error: str) -> Problem:
    """Return an error without its wire key, and with identifiers counted from 1."""
    if place := _PLACE.match(error):
        number, key, text = int(place[1]) + 1, place[2], place[3]
        field = f"{'id_type' if key == 'idType' else 'id_name'}_{place[1]}"
        if key == "idName" and not text.startswith("A name"):
            return Problem(text=f"Enter a name for identifier {number}.", field=field)
        return Problem(text=f"Identifier {number}: {text}", field=field)
    key, colon, text = error.partition(": ")
    is_key = colon and re.fullmatch(r"[A-Za-z]+", key)
    return Problem(text=text if is_key else error, field=_FIELDS.get(key, "identifiers"))


def without_blank(draft: Draft) -> Draft:
    """Return the draft without identifiers that have no name."""
    return draft.model_copy(update={"identifiers": [entry for entry in draft.identifiers if entry.id_name.strip()]})


def changed_rows(draft: Draft, command: str) -> Draft:
    """Return the draft with an identifier added (``add``) or removed (``remove-2``)."""
    rows = list(draft.identifiers)
    if command == "add" and len(rows) < MAX_IDENTIFIERS:
        rows.append(DraftIdentifier())
    name, _, at = command.partition("-")
    if name == "remove" and at.isdigit() and int(at) < len(rows):
        del rows[int(at)]
    return draft.model_copy(update={"identifiers": rows})


def with_possible_schema(draft: Draft) -> Draft:
    """Return the draft with another base schema if the chosen one no longer fits the identifiers."""
    possible = {schema.columns for schema in schemas(draft) if schema.possible}
    return draft if draft.num_columns in possible else draft.model_copy(update={"num_columns": 3})
