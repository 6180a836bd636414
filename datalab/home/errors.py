"""What is wrong with settings, in sentences: the key, the rule, and what to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from datalab.errors import ConfigurationError, UsageError, suggestion

_RULES = {
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "too_short": "has too few entries; write at least {min_length}",
    "enum": "must be {expected}",
    "invalid_key": "must be text; put the key in quotes",
}


class SettingsWrong(ConfigurationError):
    """Settings cannot be used; `mistakes` holds every reason, a sentence each."""

    def __init__(self, path: Path, mistakes: Sequence[str]) -> None:
        super().__init__(str(path), mistakes)

    def _heading(self, errors: str) -> str:
        return (
            f"The settings have {errors}; nothing was done. Correct {self.where} or the variables that are named, "
            "then run the command again; docs/settings.md describes every key."
        )


class SecretUnreadable(UsageError):
    """The file in which a secret should be cannot be read."""

    def __init__(self, variable: str, file: Path, reason: str) -> None:
        super().__init__(
            f"{variable} names {file}, which cannot be read: {reason}. Nothing was done; correct the variable, or let "
            "this account read the file, then run again."
        )


class PartWrong(ValueError):
    """The model of a value refused it."""

    def __init__(self, error: ValidationError, model: type[BaseModel]) -> None:
        self.error = error
        self.model = model
        super().__init__(model.__name__)


def sentences(
    error: ValidationError, model: type[BaseModel], variables: Mapping[tuple[str, ...], str] | None = None
) -> list[str]:
    """Return what is wrong, a sentence for each error.

    Args:
        error: of validating `model`.
        model: whose keys are suggested for unknown ones.
        variables: path of keys → variable of the environment that the value came from.
    """
    found: list[str] = []
    for details in error.errors(include_url=False):
        path = tuple(str(part) for part in details["loc"] if part != "[key]")
        cause = (details.get("ctx") or {}).get("error")
        if isinstance(cause, PartWrong):
            found += [f"{'.'.join(path)}.{sentence}" for sentence in sentences(cause.error, cause.model)]
            continue
        sentence = f"{(variables or {}).get(path) or '.'.join(path)}: {_rule(details, model)}"
        found.append(sentence if sentence.endswith("?") else f"{sentence}.")
    return found


def _rule(details: ErrorDetails, model: type[BaseModel]) -> str:
    context = details.get("ctx") or {}
    if details["type"] == "extra_forbidden":
        *above, key = details["loc"]
        known = _keys(model, above)
        return "unknown key" + (suggestion(str(key), known) or f"; known keys: {', '.join(known)}")
    if details["type"] == "value_error":
        return str(context["error"])
    rule = _RULES.get(details["type"])
    return rule.format_map(context) if rule else details["msg"]


def _keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys of the part of `model` at `path`."""
    for step in path:
        field = next((field for name, field in model.model_fields.items() if step in (name, field.alias)), None)
        model = (model_in(field.annotation) if field else None) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation names, also inside a list or together with None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := model_in(part))), None)
