"""The vendor's media modules as docs/spec/media_surface.json lists them, and ours in the same words; no tests."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

VENDOR = "decentriq_platform"
SURFACE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/spec/media_surface.json").read_text(encoding="utf-8")
)
NOT_OFFERED = f"{VENDOR}.admin.media"
"""The reading half for the vendor's own admins."""


class Listed(NamedTuple):
    """An object of the list: its module and name, and what the list says of it."""

    module: str
    name: str
    entry: dict[str, Any]

    def ours(self) -> Any:
        """Return the object of the same name in this package."""
        return getattr(importlib.import_module(ours(self.module)), self.name)


def ours(module: str) -> str:
    """Return the module of this package that stands for one of the vendor's."""
    return module.replace(VENDOR, "datalab_dagster", 1)


def modules() -> dict[str, dict[str, Any]]:
    """Return the listed modules that this package offers."""
    return {name: entry for name, entry in SURFACE["modules"].items() if name != NOT_OFFERED}


def objects(*kinds: str) -> list[Listed]:
    """Return the listed objects of some kinds: class, model, enum, function."""
    return [
        Listed(module, name, entry)
        for module, found in modules().items()
        for name, entry in found["objects"].items()
        if entry["kind"] in kinds
    ]


def callables() -> Iterator[tuple[str, Callable[..., Any], list[dict[str, str]]]]:
    """Yield every listed constructor, method and function: its name, ours, and the listed parameters."""
    for listed in objects("class"):
        mine = listed.ours()
        yield f"{listed.name}.__init__", mine.__init__, listed.entry["init"]["parameters"]
        for name, method in listed.entry["methods"].items():
            bound = inspect.getattr_static(mine, name)
            function = bound.__func__ if isinstance(bound, classmethod) else bound
            assert isinstance(bound, classmethod) == (method["binding"] == "class"), f"{listed.name}.{name}"
            yield f"{listed.name}.{name}", function, method["signature"]["parameters"]
    for listed in objects("function"):
        yield listed.name, listed.ours(), listed.entry["signature"]["parameters"]


def parameters(function: Callable[..., Any]) -> list[dict[str, str]]:
    """Return name, kind and default of each parameter, as the list writes them."""
    empty = inspect.Parameter.empty
    return [
        {
            "name": one.name,
            "kind": one.kind.name,
            "default": "<required>" if one.default is empty else repr(one.default),
        }
        for one in inspect.signature(function).parameters.values()
    ]


def raises() -> Iterator[tuple[str, str, str]]:
    """Yield the place, type and message of every listed error; ``*`` in a message stands for a value."""
    for listed in objects("class"):
        places = {"__init__": listed.entry["init_raises"]}
        places |= {name: method["raises"] for name, method in listed.entry["methods"].items()}
        for name, errors in places.items():
            for error in errors:
                yield (
                    f"{listed.name}.{name}",
                    error["type"],
                    re.sub(r"\{[^}]*\}", "*", error["message"].removeprefix("f").strip('"')),
                )


def spelled(annotation: Any) -> str:
    """Return an annotation of a field as `theirs` writes it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        given = [one for one in arguments if one is not types.NoneType]
        inside = ", ".join(map(spelled, given))
        union = f"Union[{inside}]" if len(given) > 1 else inside
        return f"Optional[{union}]" if len(given) < len(arguments) else union
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is Sequence:
        return f"Sequence[{spelled(arguments[0])}]"
    if origin in (list, dict):
        return f"{origin.__name__.capitalize()}[{', '.join(map(spelled, arguments))}]"
    return "Any" if annotation is Any else str(annotation.__name__)


def theirs(annotation: str) -> str:
    """Return a listed annotation without the dressing of a representation.

    >>> theirs("Optional[int]"), theirs("<class 'datetime.datetime'>"), theirs("<enum 'AudienceKind'>")
    ('Optional[int]', 'datetime', 'AudienceKind')
    """
    bare = re.sub(r"<(?:class|enum) '(?:\w+\.)*(\w+)'>", r"\1", annotation)
    return re.sub(r"Annotated\[(\w+), .*?, None\]", r"\1", bare)


def default(field: Any) -> str | None:
    """Return the default of a pydantic field as the list writes it; None: the field is required."""
    if field.is_required():
        return None
    return f"factory:{field.default_factory.__name__}" if field.default_factory else repr(field.default)


def members(enumeration: type[Enum]) -> dict[str, Any]:
    """Return member → value."""
    return {member.name: member.value for member in enumeration}
