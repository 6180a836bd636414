"""The ways in. This module has the SDK's names, and what a Dagster project uses; the rest is in modules of its own.

Names are imported on first use, so that `datalab --help` stays fast.

>>> import datalab_dagster as dq
>>> from datalab_dagster.data_lab import DataLabBuilder, IdentifiersConfig, IdType
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from datalab_dagster.graph import own_packages

if TYPE_CHECKING:
    from datalab_dagster import analytics, authentication, data_connectors, data_lab, legacy, media, storage, types
    from datalab_dagster.archv2.secret import Secret, SecretStoreOptions
    from datalab_dagster.archv2.session import SessionV2
    from datalab_dagster.client import Client, create_client
    from datalab_dagster.data_lab.builder import DataLabBuilder
    from datalab_dagster.graph.component import DataLabComponent
    from datalab_dagster.graph.embedding import data_lab_assets, data_lab_report
    from datalab_dagster.storage import Key
    from datalab_dagster.types import Permission

__all__ = [
    "Client",
    "DataLabBuilder",
    "DataLabComponent",
    "Key",
    "Permission",
    "Secret",
    "SecretStoreOptions",
    "SessionV2",
    "analytics",
    "authentication",
    "create_client",
    "data_connectors",
    "data_lab",
    "data_lab_assets",
    "data_lab_report",
    "legacy",
    "media",
    "storage",
    "types",
]

_EMBEDDING = {"data_lab_assets", "data_lab_report"}
_HOMES = {
    "Client": "client",
    "DataLabBuilder": "data_lab.builder",
    "DataLabComponent": "graph.component",
    "Key": "storage",
    "Permission": "types",
    "Secret": "archv2.secret",
    "SecretStoreOptions": "archv2.secret",
    "SessionV2": "archv2.session",
    "create_client": "client",
    **dict.fromkeys(_EMBEDDING, "graph.embedding"),
}
_ENCLAVES = {"EnclaveSpecifications", "Endorser", "Session", "enclave_specifications"}


def __getattr__(name: str) -> Any:
    if name in _EMBEDDING:
        own_packages.require_own_packages()
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ENCLAVES:
        from datalab_dagster.elsewhere import not_offered

        raise not_offered(__name__, name, "there are no enclaves on your own machines, so omit it")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    hidden = _EMBEDDING if any(own_packages.hidden_packages()) else set()
    return sorted({*globals(), *__all__} - hidden)
