"""Where settings come from: variables of the environment and a YAML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from datalab.errors import InputUnreadable
from datalab.home.errors import SecretUnreadable, SettingsWrong
from datalab.scratch import why


@dataclass(frozen=True)
class Variable:
    """Marks a field that a variable of the environment sets."""

    name: str


class VariablesSource(PydanticBaseSettingsSource):
    """Reads the marked fields of a class and of its parts; an empty variable is ignored.

    A secret may also be in a file, as containers get theirs: the variable that ends in `_FILE` names it.
    """

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._environment = environment
        self.used: dict[tuple[str, ...], str] = {}
        """Path of keys → the variable that set it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field that is not a part, its key, and that it is plain text."""
        value = self._environment.get(name) or None if (name := variable_of(field)) else None
        if name and value is None and is_secret(field) and (file := self._environment.get(file_variable(name))):
            value = _secret_in(Path(file), file_variable(name))
        return value, field.alias or field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values(self.settings_cls, ())

    def _values(self, model: type[BaseModel], path: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field_name, field in model.model_fields.items():
            value, key, _ = self.get_field_value(field, field_name)
            if (part := part_of(field)) is not None:
                value = self._values(part, (*path, key)) or None
            elif value is not None:
                self.used[(*path, key)] = variable_of(field) or ""
            if value is not None:
                found[key] = value
        return found


def variable_of(field: FieldInfo) -> str | None:
    """Return the variable that sets a field."""
    return next((mark.name for mark in field.metadata if isinstance(mark, Variable)), None)


def is_secret(field: FieldInfo) -> bool:
    """Return whether the value of a field must never be shown."""
    return not field.repr


def file_variable(name: str) -> str:
    """Return the variable that names the file with the secret of the variable `name`."""
    return f"{name}_FILE"


def _secret_in(file: Path, variable: str) -> str | None:
    """Return the text of a file; None if it is empty, as for a variable."""
    try:
        return file.read_text(encoding="ascii").strip() or None
    except OSError as error:
        raise SecretUnreadable(variable, file, why(error)) from None
    except UnicodeDecodeError:
        raise SecretUnreadable(variable, file, "it is not text") from None


def part_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the class of a field that has its own keys and is never None."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def read_file(path: Path, model: type[BaseModel]) -> dict[str, Any]:
    """Return the keys and values of a YAML file; an empty dictionary if it does not exist.

    Raises:
        SettingsWrong: it does not hold keys and values.
        InputUnreadable: it cannot be read.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputUnreadable(path, why(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsWrong(path, [f"It is not YAML{_line(error)}."]) from None
    if not isinstance(data or {}, dict) or not all(isinstance(key, str) for key in data or {}):
        raise SettingsWrong(path, ["It must hold keys and values, such as 'keepResults: 10'."])
    return dict(_by_alias(data or {}, model))


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f": see line {mark.line + 1}" if mark else ""


def _by_alias(data: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Rename keys written as in Python, such as `keep_results`, to the names that join the sources."""
    for key, value in data.items():
        field = model.model_fields.get(key)
        name = field.alias or key if field and field.alias not in data else key
        field = field or next((one for one in model.model_fields.values() if one.alias == key), None)
        part = part_of(field) if field else None
        yield name, dict(_by_alias(value, part)) if part and isinstance(value, dict) else value
