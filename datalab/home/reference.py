"""The settings reference, docs/settings.md, generated from the fields by `make docs`."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from datalab.formats import listed
from datalab.home.errors import model_in
from datalab.home.settings import FILE_NAME, Environment, Settings
from datalab.home.sources import file_variable, variable_of
from datalab.statistics.findings import Thresholds

_OWN_WORDS = {"local_owner": "the login name", "thresholds": "the table below"}
"""Defaults that are not a value."""
_TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false", timedelta: "duration"}
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "entries ≥"}

_HEADER = """# Settings

Generated from the settings' fields by `make docs`.

A deployment reads its settings from `{file}` in its home directory and from the environment.
The first of these that gives a value is used:

1. an option of the command, such as `datalab up --portal-port`;
2. a variable of the environment, where a table names one; an empty variable is ignored;
3. `{file}`;
4. the default.

Every key has a default: a deployment runs without the file. Settings are read when a process starts: restart
`datalab up` after a change. All keys are checked before anything is started: if one cannot be used, the command names
the key and the rule, and ends with exit code 2.

```yaml
keepResults: 20
nightly: "0 2 * * *"
sweep: "30 2 * * *"
timezone: Europe/Berlin
store:
  url: s3://publisher-datalab/store
dropZones:
  - lab: Sports and news
    dataset: segments
    pattern: s3://publisher-drop/segments-*.csv
onFailure:
  webhook: https://hooks.publisher.example/datalab
thresholds:
  max_drop_share: 0.3
portal:
  publicUrl: https://labs.publisher.example
```

A schedule is written as cron with five fields: minute, hour, day of the month, month, day of the week. A time zone has
its name in the IANA database, such as `Europe/Berlin`.
"""
_ALONE = """## Environment only

The key `store.url` and the key `portal.localOwner` have a variable, too. These variables have no key:

| variable | default | meaning |
|---|---|---|"""

_SECRETS = """A secret may also be in a file, such as a container gets it. {files} name
these files. A variable that holds the secret itself has priority."""


def settings_document() -> str:
    """Return all settings as Markdown."""
    lines = [_HEADER.format(file=FILE_NAME)]
    lines += _section(f"Keys of {FILE_NAME}", Settings, "")
    lines += _section("thresholds", Thresholds, "thresholds.")
    lines.append(_ALONE)
    files = listed([f"`{file_variable(name)}`" for name in sorted(Environment.secrets())])
    for name, field in Environment.model_fields.items():
        lines.append(f"| `{variable_of(field)}` | {_default(name, field)} | {_meaning(field)} |")
    return "\n".join([*lines, "", _SECRETS.format(files=files), ""])


def _section(title: str, model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield f"## {title}\n"
    if model not in (Settings, Thresholds):
        yield f"{(model.__doc__ or '').strip().splitlines()[0]}\n"
    if model is Thresholds:
        yield "Limits of findings; write those that differ. Shares are between 0 and 1.\n"
    yield "| key | value | default | variable | meaning |\n|---|---|---|---|---|"
    parts: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        variable = f"`{found}`" if (found := variable_of(field)) else ""
        yield f"| `{key}` | {_kind(field)} | {_default(name, field)} | {variable} | {_meaning(field)} |"
        if (part := model_in(field.annotation)) is not None:
            parts.append((f"{prefix}{key}", part))
    yield ""
    for path, part in parts:
        yield from _section(path, part, f"{path}.")


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).replace("|", "\\|")


def _kind(field: FieldInfo) -> str:
    rules = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in _SIGNS.items()
        if getattr(rule, name, None) is not None
    ]
    return ", ".join([_type(field.annotation), *rules]).replace("> 0:00:00", "> 0")


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), [one for one in get_args(annotation) if one is not type(None)]
    if origin in (Union, types.UnionType):
        return " or ".join(map(_type, arguments))
    if origin is dict:
        return "names and numbers" if arguments[1] is float else "keys and values"
    if origin in (list, tuple, frozenset):
        return "list, see below" if model_in(annotation) else "list"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if model_in(annotation):
        return "see below"
    return _TYPES[annotation]


def _default(name: str, field: FieldInfo) -> str:
    if name in _OWN_WORDS:
        return _OWN_WORDS[name]
    value = field.default
    if value is PydanticUndefined and field.default_factory is None:
        return "required"
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:g} hours"
    if value is PydanticUndefined or isinstance(value, BaseModel) or value in (None, ""):
        return ""
    return f"`{json.dumps(sorted(value) if isinstance(value, frozenset) else value, default=str)}`".replace('"', "")
