"""A room: which lab and seed it joins, for what, and its custom audiences; reads ROOM.json.

The form: docs/spec/media.md#101-the-rooms-file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictBool, ValidationError

from datalab.collaboration import CollaborationType
from datalab.definition_files import read_definition
from datalab.errors import ConfigurationError, suggestion
from datalab.id_types import IdType
from datalab.lab import IdentifierConfig, LabDefinition, Text, WireModel, lab_from_dict, sentence_at
from datalab.lab_limits import LONGEST_NAME
from datalab.media import definitions
from datalab.media.definitions import CustomAudience
from datalab.media.privacy import Privacy

_MOST_BYTES = 64 << 20
"""How long ROOM.json may be: five hundred audiences, with ten thousand values in a filter."""


class Dcr(WireModel):
    """The configuration of a room."""

    matching_id_type: IdType
    collaboration_types: list[CollaborationType] = Field(default_factory=lambda: list(CollaborationType))
    hide_absolute_values_from_insights: StrictBool = False
    show_match_rate: StrictBool = False
    activation_id_name: Text | None = None
    id: Text = "preflight"
    """Enters the choice of the users that are held out."""
    name: Text | None = None


class ModelChoice(WireModel):
    """The model of lookalike audiences."""

    algorithm: Literal["logistic_regression", "gradient_boosting"] = "logistic_regression"


class _RoomFile(WireModel):
    title: Text | None = None
    dcr: Dcr
    lab: dict[str, Any]
    audiences: list[CustomAudience] = Field(default_factory=list)
    privacy: Privacy = Field(default_factory=Privacy)
    model: ModelChoice = Field(default_factory=ModelChoice)


@dataclass(frozen=True)
class Room:
    """What is computed: a room's configuration and its custom audiences, by id."""

    dcr: Dcr
    lab: LabDefinition
    audiences: dict[str, CustomAudience]
    privacy: Privacy
    model: ModelChoice
    title: str = ""
    """For people only."""

    @property
    def types(self) -> frozenset[CollaborationType]:
        """The collaboration types of the room."""
        return frozenset([*self.dcr.collaboration_types, *(t for t in CollaborationType if t.is_always_on)])

    @property
    def hides_counts(self) -> bool:
        """Whether absolute values are hidden."""
        return self.dcr.hide_absolute_values_from_insights

    @property
    def matching_id(self) -> IdentifierConfig | None:
        """The one identifier of the lab by which users are matched; None: the lab does not fit the room."""
        found = [entry for entry in self.lab.matching_ids if entry.id_type == self.dcr.matching_id_type]
        return found[0] if len(found) == 1 else None

    @property
    def activation_id(self) -> IdentifierConfig | None:
        """The identifier of user lists; None: it is not set and not certain, or the lab lacks it."""
        ids = self.lab.activation_ids
        if self.dcr.activation_id_name is None:
            return ids[0] if len(ids) == 1 else None
        return next((entry for entry in ids if entry.id_name == self.dcr.activation_id_name), None)


def load_room(path: Path) -> Room:
    """Read a room from a JSON or YAML file.

    Raises:
        InputMissing, InputUnreadable: the file cannot be read.
        ConfigurationError: it is not JSON or YAML, or its content has errors (all listed).
    """
    return room_from_dict(read_definition(path, _MOST_BYTES, "definition of a room"), str(path))


def room_from_dict(data: Any, where: str = "The room") -> Room:
    """Return the room in `data` (wire keys).

    Raises:
        ConfigurationError: lists every error, each with its place.
    """
    mistakes: list[str] = []
    file: _RoomFile | None = None
    lab: LabDefinition | None = None
    try:
        file = _RoomFile.model_validate(data)
    except ValidationError as error:
        mistakes += _sentences(error)
    given = data.get("lab") if isinstance(data, dict) else None
    if isinstance(given, dict):
        try:
            lab = lab_from_dict(_lab_with_types(given, file))
        except ConfigurationError as error:
            mistakes += [f"lab.{mistake}" for mistake in error.mistakes]
    if file is not None:
        ids = Counter(audience.id for audience in file.audiences)
        mistakes += [f"audiences: Two audiences have the id '{one}'" for one, count in ids.items() if count > 1]
    if mistakes or file is None or lab is None:
        raise ConfigurationError(where, mistakes)
    audiences = {audience.id: audience for audience in file.audiences}
    return Room(file.dcr, lab, audiences, file.privacy, file.model, file.title or "")


def _lab_with_types(given: dict[str, Any], file: _RoomFile | None) -> dict[str, Any]:
    """Return the lab's definition with the collaboration types of the room, as far as its identifiers allow them."""
    if file is None or "collaborationTypes" in given:
        return given
    config = given.get("identifiersConfig")
    entries = config if isinstance(config, list) else []
    activates = any(isinstance(entry, dict) and entry.get("isActivationId") is True for entry in entries)
    types = [kind.value for kind in file.dcr.collaboration_types if activates or not kind.activates]
    return {**given, "collaborationTypes": types}


_TAGS: dict[str, type[WireModel]] = {
    model.model_fields["kind"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in (
        definitions.Base,
        definitions.Seed,
        definitions.Custom,
        definitions.Remarketing,
        definitions.ExclusionTargeting,
        definitions.RuleBased,
        definitions.Lookalike,
    )
}
"""The value of `kind` → its model; pydantic puts the value into the place of an error."""
_MODELS: dict[tuple[str, bool], type[WireModel]] = {
    ("dcr", False): Dcr,
    ("privacy", False): Privacy,
    ("model", False): ModelChoice,
    ("audiences", True): CustomAudience,
    ("seedAudienceRef", False): definitions.SeedAudienceType,
    ("filters", False): definitions.Filters,
    ("filters", True): definitions.Filter,
    ("combine", True): definitions.Combinator,
    **{(tag, False): model for tag, model in _TAGS.items()},
}
"""A key, and whether an entry of its list is meant → the model there."""


def _sentences(error: ValidationError) -> Iterator[str]:
    for details in error.errors(include_url=False):
        loc = details["loc"]
        yield sentence_at(tuple(part for part in loc if part not in _TAGS), _message(details, loc))


def _message(details: Any, loc: tuple[int | str, ...]) -> str:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        *outer, key = loc
        in_list = bool(outer) and isinstance(outer[-1], int)
        names = [str(part) for part in outer if isinstance(part, str)]
        model = _MODELS[names[-1], in_list] if names else _RoomFile
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"Unknown key{suggestion(str(key)[:LONGEST_NAME], known)}"
    if kind == "missing":
        return "Missing key"
    if kind == "union_tag_not_found":
        return "Missing key 'kind'"
    expected = {"enum": "expected", "literal_error": "expected", "union_tag_invalid": "expected_tags"}.get(kind)
    if expected:
        choices = [choice.strip("'") for choice in context[expected].replace(" or ", ", ").split(", ")]
        given = given.get("kind") if isinstance(given, dict) else given
        near = suggestion(given[:LONGEST_NAME], choices) if isinstance(given, str) else ""
        return f"Unknown value; expected one of {', '.join(choices)}{near}"
    return str(details["msg"])
