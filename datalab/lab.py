"""What a Data Lab is: its definition (wire keys), identifiers, collaboration types and the rules between them.

Nothing here reads data; a definition is valid, or the error lists all its problems at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from datalab.collaboration import CollaborationType
from datalab.definition_files import read_definition
from datalab.errors import ConfigurationError, LabTooLarge, suggestion
from datalab.formats import counted
from datalab.id_types import IdType
from datalab.kinds import KINDS, DatasetKind
from datalab.lab_limits import (
    DEFINITION_BYTES,
    LONGEST_NAME,
    MOST_EMBEDDINGS,
    MOST_IDENTIFIERS,
    name_problem,
    visibility_problem,
)

USER_ID = "userId"
RESERVED_MATCHING_NAMES = frozenset({"all_users", "distinct_users_with_demographics"})
"""Names that the demographics panel uses, in addition to those of the matching ids.

See docs/spec/statistics.md#4-demographics.
"""

STORED = {"stored": True}
"""Context to read a definition that an earlier version accepted; beyond the limits `require_limits` refuses its use."""
_MOST_ERRORS = 100


def _whole_characters(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("surrogate", "Holds half of a surrogate pair, which is no character")
    return text


Text = Annotated[StrictStr, AfterValidator(_whole_characters)]
"""A string that can be written as UTF-8."""


class WireModel(BaseModel):
    """A model whose JSON keys are camelCase; Python names are accepted as well."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class IdentifierConfig(WireModel):
    """One identifier of a lab: its name in the data, its type and its roles."""

    id_name: Annotated[Text, Field(min_length=1)]
    """The name exactly as in the `idName` column, including case and blanks."""
    id_type: IdType
    """The type whose format every value must have."""
    is_matching_id: StrictBool = False
    """Whether it is used to match users with advertisers."""
    is_activation_id: StrictBool = False
    """Whether it is used to activate audiences."""
    is_user_id: StrictBool | None = None
    """Copied to the report; the user id is the identifier named `userId`."""


class LabDefinition(WireModel):
    """The definition of a Data Lab, with its wire keys.

    Raises:
        pydantic.ValidationError: with one entry per error: missing, wrong and unknown keys (with the closest known key)
            together with the rules of docs/spec/validation.md#111-configuration
            and docs/spec/statistics.md#4-demographics.

    Example:
        >>> lab = LabDefinition(identifiersConfig=[
        ...     {"idName": "userId", "idType": "STRING", "isActivationId": True},
        ...     {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True}])
        >>> [kind.value for kind in lab.datasets], lab.num_identifiers_columns
        (['identifiers'], 3)
    """

    name: Text = "Data Lab"
    """The name shown to people."""
    identifiers_config: list[IdentifierConfig]
    """Every identifier that the identifiers dataset may hold, in order."""
    num_identifiers_columns: Annotated[StrictInt, Field(ge=1, le=3)] = 3
    """1: `userId`; 2: `userId, id`; 3: `userId, idName, id`."""
    require_segments: StrictBool = False
    """Whether the lab has a segments dataset."""
    require_demographics: StrictBool = False
    """Whether the lab has a demographics dataset."""
    require_embeddings: StrictBool = False
    """Whether the lab has an embeddings dataset."""
    num_embeddings: Annotated[StrictInt, Field(ge=0)] = 0
    """Number of embedding columns `e0…`."""
    collaboration_types: list[CollaborationType] = Field(default_factory=list, validate_default=False)
    """What Media DCRs may use the lab for; default: all that the roles allow, except exclusion targeting."""
    share_statistics: StrictBool = False
    """Whether aggregated statistics may be shown to the clean room's administrators."""
    drop_invalid_rows: StrictBool = True
    """Whether invalid rows are dropped (production) or fail their dataset."""
    kind: Literal["dataLab"] = "dataLab"
    version: Literal["v0"] = "v0"
    publisher_email: Text | None = None
    """Who owns the lab."""

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Run the rules in addition to the field checks, so that one exception lists every error."""
        found: list[InitErrorDetails] = []
        lab: Self | None = None
        given = data if isinstance(data, dict) else {}
        beyond = [] if info.context == STORED else limit_violations(given)
        if not any(key in _LISTS for key, _ in beyond):  # a list that is too long is not examined
            try:
                lab = handler(data)
            except ValidationError as error:
                found += _with_suggestions(error.errors(include_url=False))
            beyond = [*beyond, *rule_violations(given)]
        found += [
            InitErrorDetails(type=PydanticCustomError("lab_rule", "{rule}", {"rule": rule}), loc=(key,), input=None)
            for key, rule in beyond
        ]
        if found or lab is None:
            raise ValidationError.from_exception_data(cls.__name__, found, hide_input=True)
        return lab._with_default_types()

    def _with_default_types(self) -> Self:
        """Complete the collaboration types: the default if none are given, and those that are always on."""
        types = list(self.collaboration_types)
        if "collaboration_types" not in self.model_fields_set:
            types = [t for t in CollaborationType if t.is_default and (self.activation_ids or not t.activates)]
        else:
            types += [t for t in CollaborationType if t.is_always_on and t not in types]
        given = self.model_fields_set.copy()
        object.__setattr__(self, "collaboration_types", types)
        object.__setattr__(self, "__pydantic_fields_set__", given)
        return self

    @property
    def datasets(self) -> list[DatasetKind]:
        """The datasets that the lab has, identifiers first."""
        return [kind for kind, entry in KINDS.items() if entry.is_in(self)]

    @property
    def id_formats(self) -> dict[str, str]:
        """The identifiers in configuration order → the code of a value that is not of their type; empty: all are."""
        formats = {entry.id_name: entry.id_type.value_format for entry in self.identifiers_config}
        return {name: form.code if form else "" for name, form in formats.items()}

    @property
    def matching_ids(self) -> list[IdentifierConfig]:
        """The identifiers with the matching role, in configuration order."""
        return [entry for entry in self.identifiers_config if entry.is_matching_id]

    @property
    def activation_ids(self) -> list[IdentifierConfig]:
        """The identifiers with the activation role, in configuration order."""
        return [entry for entry in self.identifiers_config if entry.is_activation_id]

    @property
    def other_id(self) -> IdentifierConfig:
        """The identifier of a two-column file that is not `userId`."""
        return next(entry for entry in self.identifiers_config if entry.id_name != USER_ID)


_LISTS = ("identifiersConfig", "collaborationTypes")


def limit_violations(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (key, sentence) for every limit of size that `data` exceeds; accepts data of any shape.

    Rows are read, and tables made, in the shape that a definition gives them: without limits, a definition decides how
    much memory a check needs.
    """
    found: list[tuple[str, str]] = []
    for field, key in zip(("identifiers_config", "collaboration_types"), _LISTS, strict=True):
        entries = _value(data, field)
        if isinstance(entries, list) and len(entries) > MOST_IDENTIFIERS:
            found.append((key, f"At most {MOST_IDENTIFIERS} entries are possible; there are {len(entries)}"))
    if found:
        return found
    count = _value(data, "num_embeddings")
    if isinstance(count, int) and count > MOST_EMBEDDINGS:
        found.append(
            (
                "numEmbeddings",
                f"At most {counted(MOST_EMBEDDINGS, 'column')} are possible. Reduce the embeddings first",
            )
        )
    for field in ("name", "publisher_email"):
        value = _value(data, field)
        if isinstance(value, str) and (problem := name_problem(value)):
            found.append((to_camel(field), problem))
    config = _value(data, "identifiers_config")
    for number, entry in enumerate(config if isinstance(config, list) else []):
        name = _entry(entry)["id_name"]
        if isinstance(name, str) and name and (problem := name_problem(name) or visibility_problem(name)):
            found.append((f"identifiersConfig[{number}].idName", problem))
    return found


def require_limits(lab: LabDefinition) -> None:
    """Refuse to compute anything for a lab that an earlier version accepted, if it exceeds a limit.

    Raises:
        LabTooLarge: it does; lists every limit.
    """
    if found := limit_violations(dict(lab)):
        raise LabTooLarge("This lab", [f"{key}: {rule}" for key, rule in found])


def rule_violations(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (key, sentence) for every rule between keys that `data` breaks; accepts data of any shape."""
    config = _value(data, "identifiers_config")
    if not isinstance(config, list):
        return []
    broken: list[tuple[str, str]] = []
    entries = [_entry(entry) for entry in config]
    names = [entry["id_name"] if isinstance(entry["id_name"], str) else None for entry in entries]
    matching = [entry for entry in entries if entry["is_matching_id"] is True]

    def report(rule: str, key: str = "identifiersConfig") -> None:
        broken.append((key, rule))

    if not entries:
        report("Identifiers config must be provided")
        return broken
    for name in dict.fromkeys(n for n in names if n is not None and names.count(n) > 1):
        report(f"Duplicate idName '{name}' found in config. idNames must be unique.")
    if not matching:
        report("At least one identifier must be a matching ID")
    types = [str(entry["id_type"]) for entry in matching if entry["id_type"] is not None]
    if len(set(types)) < len(types):
        report("Multiple matching IDs cannot have the same type")
    if USER_ID not in names:
        near = suggestion(USER_ID, [str(n) for n in names if n])
        report(f"One identifier must be named 'userId'{near.replace('did you mean', 'is it')}")
    for reserved in sorted(RESERVED_MATCHING_NAMES & {str(entry["id_name"]) for entry in matching}):
        report(f"A matching ID cannot be named '{reserved}': the statistics use this name themselves")
    columns = _value(data, "num_identifiers_columns")
    if columns == 1 and len(entries) != 1:
        report(f"Expected 1 configuration entry for userId, got {len(entries)}", "numIdentifiersColumns")
    if columns == 2 and len(entries) != 2:
        report(f"2 column input dataset must have 2 identifiers in config, got {len(entries)}", "numIdentifiersColumns")
    given = _value(data, "collaboration_types")
    if isinstance(given, list) and not any(entry["is_activation_id"] is True for entry in entries):
        for name in [t.value for t in CollaborationType if t.activates and t in given]:
            report(f"{name} needs at least one identifier with isActivationId", "collaborationTypes")
    for kind in KINDS.values():
        if not (kind.flag and kind.numbered and _value(data, kind.flag) is True):
            continue
        if _value(data, kind.numbered.count) in (None, 0):
            count = kind.numbered.count_key
            report(f"{kind.flag_key} needs {count}, the number of {kind.numbered.what} columns", count)
    return broken


def _value(data: dict[str, Any], field: str) -> Any:
    return data.get(to_camel(field), data.get(field))


def _entry(entry: Any) -> dict[str, Any]:
    """Return the fields of an identifier that the rules use; it may have any shape."""
    fields = ("id_name", "id_type", "is_matching_id", "is_activation_id")
    if isinstance(entry, IdentifierConfig):
        return {field: getattr(entry, field) for field in fields}
    return {field: _value(entry, field) if isinstance(entry, dict) else None for field in fields}


def _with_suggestions(errors: list[Any]) -> list[InitErrorDetails]:
    """Return errors of fields as sentences; a key that is only misspelt is not missing too."""
    found = [_with_suggestion(details) for details in errors[:_MOST_ERRORS]]
    texts = [str(error["type"]) for error in found]
    return [
        error
        for error, details in zip(found, errors, strict=False)
        if details["type"] != "missing" or not any(f"'{details['loc'][-1]}'" in text for text in texts)
    ]


def _with_suggestion(details: Any) -> InitErrorDetails:
    """Return the error of one field as a sentence, with the closest known key or value if there is one."""
    key = str(details["loc"][-1]) if details["loc"] else ""
    inside_entry = "identifiersConfig" in details["loc"][:-1]
    model: type[WireModel] = IdentifierConfig if inside_entry else LabDefinition
    message = details["msg"]
    if details["type"] == "extra_forbidden":
        message = "Unknown key" + suggestion(key[:LONGEST_NAME], [to_camel(name) for name in model.model_fields])
    elif details["type"] == "missing":
        message = "Missing key"
    elif details["type"] == "enum":
        kinds = CollaborationType if "collaborationTypes" in details["loc"] else IdType
        given = details["input"]
        near = suggestion(given[:LONGEST_NAME], [kind.value for kind in kinds]) if isinstance(given, str) else ""
        message = f"Unknown value; expected one of {', '.join(kinds)}{near}"
    return InitErrorDetails(
        type=PydanticCustomError("lab_key", "{message}", {"message": message}), loc=details["loc"], input=None
    )


def lab_from_dict(data: Any, where: str = "The lab definition") -> LabDefinition:
    """Return the definition in `data` (wire keys).

    Raises:
        ConfigurationError: lists every error, each with its place.
    """
    try:
        return LabDefinition.model_validate(data)
    except ValidationError as error:
        sentences = [sentence_at(details["loc"], details["msg"]) for details in error.errors(include_url=False)]
        raise ConfigurationError(where, sentences) from None


def load_lab(path: Path) -> LabDefinition:
    """Read a lab definition from a JSON or YAML file.

    Raises:
        InputMissing, InputUnreadable: the file cannot be read.
        ConfigurationError: it is not JSON or YAML, or its content has errors (all listed).
    """
    return lab_from_dict(read_definition(path, DEFINITION_BYTES, "lab definition"), str(path))


def sentence_at(loc: tuple[int | str, ...], message: str) -> str:
    """Return a sentence about the place `loc` of a definition.

    >>> sentence_at(("identifiersConfig", 0, "idType"), "Missing key")
    'identifiersConfig[0].idType: Missing key'
    """
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    return f"{place}: {message}" if place else message
