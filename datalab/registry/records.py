"""The records that the registry returns: plain, frozen, without a connection; no text form contains a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition

Datasets = Mapping[DatasetKind, str]
"""Kind → manifest hash."""


@dataclass(frozen=True)
class Lab:
    """A lab; `id` never recurs, `name` may."""

    id: str
    partition_key: str
    """What Dagster calls it: unique, and never changed by a new name."""
    name: str
    definition: LabDefinition
    created_at: datetime
    created_by: str
    owners: tuple[str, ...]
    """Who may change it and read its results, in the order in which they were named."""
    deleted_at: datetime | None = None


class KeyRole(StrEnum):
    """What a user may do with a key: owners also decide who may use it."""

    OWNER = "Owner"
    USER = "User"


@dataclass(frozen=True)
class WrappedKey:
    """A dataset's key in the keychain: wrapped by the master key of that id."""

    wrapped: bytes = field(repr=False)
    master_key_id: str
    access: Mapping[str, KeyRole] | None = None
    """User → role; by default the uploader is the owner."""


@dataclass(frozen=True)
class KeyEntry:
    """One entry of the keychain."""

    manifest_hash: str
    secret_id: str
    wrapped: bytes = field(repr=False)
    master_key_id: str
    access: Mapping[str, KeyRole]


@dataclass(frozen=True)
class Origin:
    """What a repaired dataset was made of."""

    made_from: str
    """Manifest hash of the original, which is not changed."""
    steps: Sequence[Mapping[str, Any]]
    """The steps in their order: `name`, and `rows` that it touched."""


@dataclass(frozen=True)
class Dataset:
    """An uploaded dataset and the ids of the labs that it is provisioned to."""

    manifest_hash: str
    name: str
    description: str
    size: int
    """Bytes of the uploaded file."""
    rows: int | None
    """Counted by its last validation, valid or not; None before the first one."""
    usage: str
    facts: Mapping[str, Any] | None
    """What its file looks like, as `datalab.ingest.recognise` found; None: not recognised yet."""
    origin: Origin | None
    """None: it was uploaded as it is."""
    created_at: datetime
    created_by: str
    secret_id: str | None
    """None: its key is not stored, so it cannot be provisioned."""
    access: Mapping[str, KeyRole] | None
    """Who may use the stored key."""
    labs: tuple[str, ...]


@dataclass(frozen=True)
class Upload:
    """An unfinished upload."""

    upload_id: str
    name: str
    description: str
    usage: str
    size_bytes: int | None
    """Of the whole file; None: not known beforehand."""
    keep_key: bool
    """Whether the key is kept when the upload has become a dataset."""
    access: Mapping[str, KeyRole] | None
    facts: Mapping[str, Any] | None
    """What its file looks like; None until its first part is stored."""
    wrapped: bytes = field(repr=False)
    master_key_id: str
    created_at: datetime
    created_by: str


class Action(StrEnum):
    """What an event did to its slot."""

    PROVISIONED = "PROVISIONED"
    REPROVISIONED = "REPROVISIONED"
    DEPROVISIONED = "DEPROVISIONED"


@dataclass(frozen=True)
class Event:
    """One change of one slot of a lab."""

    sequence: int
    lab_id: str
    kind: DatasetKind
    manifest_hash: str | None
    """What the slot holds now; None: nothing."""
    replaced: str | None
    """What it held before."""
    by: str
    cause: str
    at: datetime

    @property
    def action(self) -> Action:
        if self.manifest_hash is None:
            return Action.DEPROVISIONED
        return Action.PROVISIONED if self.replaced is None else Action.REPROVISIONED


@dataclass(frozen=True)
class LabChange:
    """All events of one lab that a reader has not seen yet; one run answers them."""

    lab_id: str
    sequence: int
    """Of the last event; with the lab's id it makes a run key that never recurs."""
    kinds: tuple[DatasetKind, ...]
    """The changed slots, identifiers first."""
    events: tuple[Event, ...]

    @property
    def run_key(self) -> str:
        return f"{self.lab_id}:{self.sequence}"


def changes_by_lab(events: Iterable[Event]) -> list[LabChange]:
    """Return one change per lab, in the order of their last events."""
    by_lab: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.sequence):
        by_lab.setdefault(event.lab_id, []).append(event)
    changes = []
    for lab_id, own in by_lab.items():
        touched = {event.kind for event in own}
        kinds = tuple(kind for kind in DatasetKind if kind in touched)
        changes.append(LabChange(lab_id, own[-1].sequence, kinds, tuple(own)))
    return sorted(changes, key=lambda change: change.sequence)


@dataclass(frozen=True)
class Slot:
    """What one slot of a lab holds, and the event that put it there."""

    kind: DatasetKind
    manifest_hash: str
    dataset_name: str
    size: int
    """Bytes of the uploaded file."""
    sequence: int
    provisioned_by: str
    provisioned_at: datetime
    cause: str
    looks_like: DatasetKind | None
    """The kind that its file certainly has; None: not sure."""
    file_problems: tuple[str, ...]
    """Codes of what is recognised as wrong with its file, see `datalab.statistics.recognised`."""
    expected: Mapping[str, Any] | None
    """`rows`, and `ids` by their names, that this dataset should have; None: nothing was said."""


class RunState(StrEnum):
    """The state of a run; SUPERSEDED: its data were replaced before it ended."""

    STARTED = "STARTED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Run:
    """One run of a lab, for exactly `datasets`."""

    run_id: str
    lab_id: str
    datasets: Datasets
    sequence: int
    """The lab's last provisioning event when it started."""
    cause: str
    state: RunState
    reason: str | None
    started_at: datetime
    ended_at: datetime | None
    assets: tuple[str, ...] | None = None
    """What it materialises; None: everything, or it is not known, as before its start and of earlier versions."""


@dataclass(frozen=True)
class Claim:
    """Who answers the provisioning event `sequence` of a lab."""

    lab_id: str
    sequence: int
    holder: str
    """The request, or the run itself without one; empty: the claim was released."""
    run_id: str | None
    """None: the run of the request has not started."""
    claimed_at: datetime


Verdict = Literal["SUCCESS", "FAILED"]


@dataclass(frozen=True)
class NewResult:
    """What a run records with its verdict: the paths of its files, headline numbers. No row values.

    A file that the verdict does not need, such as the dashboard, may be added later or be missing.
    """

    status: Verdict
    paths: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Of its documents, see `Copies`; only those of a current result are kept."""


@dataclass(frozen=True)
class Result:
    """What a run computed from exactly `datasets`."""

    number: int
    """Increases with every result; never used twice."""
    run_id: str
    lab_id: str
    datasets: Datasets
    status: Verdict
    paths: Mapping[str, str]
    summary: Mapping[str, Any]
    names_checked: bool
    """Whether names that hold ids of users are withheld in its files; earlier versions withheld none."""
    created_at: datetime


class Role(StrEnum):
    """The role of a user of the portal."""

    PUBLISHER = "publisher"
    """May do everything."""
    VIEWER = "viewer"
    """Reads labs and statistics; changes nothing and sees nothing that holds rows."""
    ADMIN = "admin"
    """Of the clean room's vendor: sees the aggregates that labs share, and nothing else."""


@dataclass(frozen=True)
class Account:
    """The user of a session or an API token, with their current role."""

    email: str
    role: Role
