"""The registry: labs, datasets, keys, provisioning events, runs and results, on PostgreSQL; it knows no Dagster.

Its names are loaded when they are used: `datalab up` needs the server under the home only, without SQLAlchemy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datalab.registry.changes import Changed, ChangedLab
    from datalab.registry.database import Database, database_url, registry_url
    from datalab.registry.described import DescribedDataset
    from datalab.registry.embedded import EmbeddedPostgres, embedded_server
    from datalab.registry.lab_locks import LabLock
    from datalab.registry.records import (
        Action,
        Claim,
        Dataset,
        Event,
        KeyEntry,
        KeyRole,
        Lab,
        LabChange,
        NewResult,
        Origin,
        Result,
        Role,
        Run,
        RunState,
        Slot,
        Upload,
        Verdict,
        WrappedKey,
        changes_by_lab,
    )
    from datalab.registry.registry import Registry
    from datalab.registry.schedules import LabSchedule, ScheduleWrong
    from datalab.registry.state import (
        ExplainedState,
        Facts,
        LabState,
        state_of,
    )

__all__ = [
    "Action",
    "Changed",
    "ChangedLab",
    "Claim",
    "Database",
    "Dataset",
    "DescribedDataset",
    "EmbeddedPostgres",
    "Event",
    "ExplainedState",
    "Facts",
    "KeyEntry",
    "KeyRole",
    "Lab",
    "LabChange",
    "LabLock",
    "LabSchedule",
    "LabState",
    "NewResult",
    "Origin",
    "Registry",
    "Result",
    "Role",
    "Run",
    "RunState",
    "ScheduleWrong",
    "Slot",
    "Upload",
    "Verdict",
    "WrappedKey",
    "changes_by_lab",
    "database_url",
    "embedded_server",
    "registry_url",
    "state_of",
]

_HOMES = {
    "changes": ("Changed", "ChangedLab"),
    "database": ("Database", "database_url", "registry_url"),
    "described": ("DescribedDataset",),
    "embedded": ("EmbeddedPostgres", "embedded_server"),
    "lab_locks": ("LabLock",),
    "records": (
        "Action",
        "Claim",
        "Dataset",
        "Event",
        "KeyEntry",
        "KeyRole",
        "Lab",
        "LabChange",
        "NewResult",
        "Origin",
        "Result",
        "Role",
        "Run",
        "RunState",
        "Slot",
        "Upload",
        "Verdict",
        "WrappedKey",
        "changes_by_lab",
    ),
    "registry": ("Registry",),
    "schedules": ("LabSchedule", "ScheduleWrong"),
    "state": ("ExplainedState", "Facts", "LabState", "state_of"),
}
"""Module → the names of this package in it."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
