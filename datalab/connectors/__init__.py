"""Connectors to the places where datasets come from and results go to, found by the scheme of an address.

Every module of this folder is a connector: `CONNECTOR` in it is the class. `files` serves all schemes without one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from datalab.connectors.files import FileConnector, scheme_of
from datalab.connectors.joined import PartUnfit, open_group
from datalab.connectors.parts import FileGroup, groups_of, has_valid_name, shown
from datalab.connectors.protocol import (
    Connector,
    ConnectorFailed,
    ConnectorNotInstalled,
    ConnectorOptionsWrong,
    ConnectorUnknown,
    Entry,
    EntryChanged,
    EntryExists,
    EntryIsLink,
    EntryNotListed,
)
from datalab.connectors.zones import Choice, choose

__all__ = [
    "Choice",
    "Connector",
    "ConnectorFailed",
    "ConnectorNotInstalled",
    "ConnectorOptionsWrong",
    "ConnectorUnknown",
    "Entry",
    "EntryChanged",
    "EntryExists",
    "EntryIsLink",
    "EntryNotListed",
    "FileGroup",
    "PartUnfit",
    "choose",
    "connector_for",
    "groups_of",
    "has_valid_name",
    "open_group",
    "register",
    "shown",
]

_by_scheme: dict[str, type[Connector[Any]]] = {}


def register(connector: type[Connector[Any]]) -> None:
    """Let a connector serve its schemes, in place of one that already serves them."""
    _by_scheme.update(dict.fromkeys(connector.schemes, connector))


def connector_for(url: str, options: Mapping[str, Any] | None = None) -> Connector[Any]:
    """Return the connector for an address.

    Args:
        url: a path, or an address such as `s3://drop/segments-*.csv`.
        options: what the connector declares as `options_type`.

    Raises:
        ConnectorOptionsWrong: the options have errors; lists every field.
    """
    found = _by_scheme.get(scheme_of(url), FileConnector)
    try:
        typed = found.options_type.model_validate(dict(options or {}))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()]
        raise ConnectorOptionsWrong(scheme_of(url), problems) from None
    return found(typed)


for _module in pkgutil.iter_modules(__path__):
    if (_found := getattr(importlib.import_module(f"{__name__}.{_module.name}"), "CONNECTOR", None)) is not None:
        register(_found)
