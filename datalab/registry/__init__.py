"""The registry: labs, datasets, keys, provisioning events, runs and results, on PostgreSQL; it knows no Dagster."""

from datalab.registry.changes import Changed, ChangedLab
from datalab.registry.database import Database, database_url, embedded, registry_url
from datalab.registry.described import DescribedDataset
from datalab.registry.embedded import EmbeddedPostgres
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
from datalab.registry.state import ExplainedState, Facts, LabState, state_of

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
    "embedded",
    "registry_url",
    "state_of",
]
