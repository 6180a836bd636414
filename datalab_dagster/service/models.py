"""The answers of a deployment on every way in: the models of the HTTP API, the SDK and the command line.

Plain pydantic models with camelCase keys on the wire; no key material, no row value.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    computed_field,
    field_validator,
)
from pydantic.alias_generators import to_camel

from datalab.ingest.recognise import FileFacts
from datalab.ingest.repair import STEPS, StepName
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Action, KeyRole, LabState, RunState, Verdict


class ServiceModel(BaseModel):
    """Frozen; snake_case in Python, camelCase in JSON; created from a record of the registry by `model_validate`."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        from_attributes=True,
    )


class RepairStep(ServiceModel):
    """A step that made a repaired dataset."""

    name: str
    """One of `datalab.ingest.repair.StepName`, or of another version."""
    rows: int
    """How many records, or rows, it touched."""

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def does(self) -> str:
        """What it did, as an instruction."""
        return STEPS[StepName(self.name)].does if self.name in set(StepName) else self.name


class DatasetInfo(ServiceModel):
    """An uploaded dataset."""

    manifest_hash: str
    name: str
    description: str
    size: int
    """Bytes of the uploaded file."""
    rows: int | None
    """As its last validation counted them, valid or not; None until then."""
    usage: Literal["PUBLISHED", "TEST"]
    facts: FileFacts | None
    """What its file looks like, for those who may use it; None: not recognised yet."""
    made_from: str | None = None
    """Manifest hash of the dataset that it is a repaired copy of; None: it was uploaded as it is."""
    steps: list[RepairStep] = []
    """What was repaired, for those who may use it."""
    created_at: datetime
    created_by: str
    secret_id: str | None
    """Of its stored key; None: the key is not stored, so it cannot be provisioned."""
    your_role: KeyRole | None
    """What you may do: an owner deletes and shares it, a user provisions and reads it; None: you see that it exists."""
    labs: list[str]
    """Ids of the labs that it is provisioned to."""
    same_content: list[str] = []
    """Manifest hashes of other datasets of the same content that you may use: the 20 oldest; none in lists."""

    @field_validator("usage", mode="before")
    @classmethod
    def _known_usage(cls, usage: object) -> object:
        return "TEST" if usage == "TEST" else "PUBLISHED"

    @field_validator("facts", mode="wrap")
    @classmethod
    def _known_facts(cls, facts: object, validate: ValidatorFunctionWrapHandler) -> FileFacts | None:
        """Take facts that another version kept for none."""
        try:
            found: FileFacts | None = validate(facts)
        except ValidationError:
            return None
        return found


class StateInfo(ServiceModel):
    """The state of a lab in words; `obstacle`: why no validation starts automatically although one is expected."""

    state: LabState
    title: str
    """The state as people read it; Stale is "Not validated", or "Out of date" after a change of the data."""
    reason: str
    next_step: str
    starts_automatically: bool = False
    """Whether a validation starts within seconds, because `datalab up` or Dagster's daemon runs."""
    obstacle: str = ""


class ExpectedInfo(ServiceModel):
    """How many rows and ids the dataset of a slot should have, as a person gave it."""

    rows: Annotated[int, Field(ge=0, lt=10**15)] | None = None
    ids: dict[Annotated[str, Field(max_length=500)], Annotated[int, Field(ge=0, lt=10**15)]] = Field(
        default_factory=dict, max_length=100
    )
    """Name of a configured identifier → how many different ids of it."""


class SlotInfo(ServiceModel):
    """The dataset in one slot of a lab."""

    kind: DatasetKind
    manifest_hash: str
    dataset_name: str
    size: int
    sequence: int
    """Of the provisioning event that put it there."""
    provisioned_by: str
    provisioned_at: datetime
    looks_like: DatasetKind | None = None
    """The kind that its file certainly has; None: not sure."""
    file_problems: list[str] = []
    """Codes of what is recognised as wrong with its file: `wide-identifiers`, `arrays-of-segments`, or of hints."""
    expected: ExpectedInfo | None = None


class LabInfo(ServiceModel):
    """A lab, its state and its datasets."""

    id: str
    partition_key: str = ""
    """What Dagster's pages call it; empty: a server of an earlier version does not say it."""
    name: str
    definition: LabDefinition
    created_at: datetime
    created_by: str
    owners: list[str]
    """Who may change it and read its results; viewers read it too."""
    state: StateInfo
    slots: list[SlotInfo]
    """The filled slots, identifiers first; `definition.datasets` names all of them."""

    @property
    def misplaced(self) -> dict[DatasetKind, DatasetKind]:
        """Slot → the other kind that its dataset certainly has; nothing in a Ready lab, whose datasets are valid."""
        if self.state.state is LabState.READY:
            return {}
        return {slot.kind: slot.looks_like for slot in self.slots if slot.looks_like not in (None, slot.kind)}


class KnownUsersInfo(ServiceModel):
    """How many userIds of a sample the Identifiers of a lab know."""

    sampled: int
    known: int


class OtherLabInfo(ServiceModel):
    """A lab of other publishers: that it exists, and its state."""

    id: str
    name: str
    state: LabState
    title: str
    """The state as people read it."""
    owners: list[str]
    """Whom to ask for more."""


class SharedLab(ServiceModel):
    """A lab for the vendor's admins: without datasets, people and history."""

    id: str
    name: str
    status: Verdict | None
    """The verdict of its current result; None if there is none."""
    computed_at: datetime | None


class EventInfo(ServiceModel):
    """One change of one slot of a lab."""

    sequence: int
    action: Action
    kind: DatasetKind
    manifest_hash: str | None
    replaced: str | None
    by: str
    cause: str
    at: datetime


StepState = Literal["PENDING", "RUNNING", "SUCCESS", "FAILED", "SKIPPED"]


class StepInfo(ServiceModel):
    """The state of one step of a run."""

    name: str
    state: StepState
    seconds: float | None = None


class RunInfo(ServiceModel):
    """One run of a lab, for exactly `datasets`."""

    run_id: str
    lab_id: str
    datasets: dict[DatasetKind, str]
    cause: str
    state: RunState
    reason: str | None
    """Why it failed or was cancelled."""
    started_at: datetime
    ended_at: datetime | None
    assets: list[str] | None = None
    """What it materialises; None: everything, or it is not known."""
    url: str | None = None
    """Its page in Dagster's UI, while that runs."""
    steps: list[StepInfo] = []
    """Only in the answer about one run."""

    @property
    def is_complete(self) -> bool:
        return self.ended_at is not None


class ResultInfo(ServiceModel):
    """The result of a run."""

    run_id: str
    lab_id: str
    datasets: dict[DatasetKind, str]
    """Kind → manifest hash that it was computed from."""
    status: Verdict
    current: bool
    """Whether it was computed from exactly what is provisioned now (and is the newest such result)."""
    files: list[str]
    """Names of its files without a value of a row."""
    reports: list[DatasetKind]
    """Datasets whose private validation report is kept."""
    summary: dict[str, Any]
    """Headline numbers: aggregates only."""
    created_at: datetime


class KeyAccess(ServiceModel):
    """Who may use the stored key of a dataset."""

    users: dict[str, KeyRole]


class UploadInfo(ServiceModel):
    """An unfinished upload."""

    upload_id: str
    name: str
    size: int
    part_size: int
    """Bytes of every part but the last."""
    parts: int
    """The total number of parts."""
    stored: list[Annotated[list[int], Field(min_length=2, max_length=2)]]
    """Ranges of numbers of stored parts, first and last."""
    created_at: datetime

    def length_of(self, number: int) -> int:
        """Return the size of a part in bytes; the last part has the rest."""
        return min(self.part_size, self.size - number * self.part_size)


class PartInfo(ServiceModel):
    """A stored part."""

    number: int
    size: int
    sha256: str
    """Of what was sent."""


class PartStored(ServiceModel):
    """A part that was stored."""

    number: int
    size: int
