"""The dictionaries that the vendor's low-level client answers with; what fills them is in `client`."""

# ruff: noqa: UP042 - as at the vendor's; a StrEnum would print its value
from __future__ import annotations

from enum import Enum
from typing import NotRequired, TypedDict


class JobStatus(str, Enum):
    """How a job stands."""

    RUNNING = "Running"
    SUCCESS = "Success"
    FAILED = "Failed"


class RunStatus(str, Enum):
    """How the run behind a job stands; nothing is materialized elsewhere here."""

    COMPUTING = "COMPUTING"
    COMPLETED = "COMPLETED"


class PolicyStatus(str, Enum):
    """Whether a policy ties a dataset to a slot now."""

    OK = "ok"
    NOT_FOUND = "not_found"
    NOT_PROVISIONED = "not_provisioned"


class SignedContent(TypedDict):
    """A lab's state as JSON. It comes from one's own deployment, so `signatureHex` is empty."""

    id: str
    content: str
    signatureHex: str
    version: int
    casIndex: int


class DataLabV2(TypedDict):
    """A lab: its owner's e-mail address and its state."""

    id: str
    ownerId: str
    signedContent: SignedContent


class Job(TypedDict):
    """A job; its id is that of its run."""

    id: str


class CreatedJob(Job):
    """A job that was started, or joined a run."""

    run_id: str
    run_status: RunStatus


class JobStatusView(TypedDict):
    """How a job stands, and since when."""

    status: JobStatus
    registered_at: str
    completed_at: str | None


class TaskView(TypedDict):
    """A result of a job: `results["success"]` is its id for `ComputeJob.download_result`."""

    name: str
    results: dict[str, str]
    dependencies: list[str]
    completed: list[str]


class JobTasksView(TypedDict):
    """The results of a job."""

    tasks: dict[str, TaskView]
    target_task: str


class DataRoomActionSummary(TypedDict):
    """An action, as JSON, and the jobs that carried it out."""

    action: str
    jobs: list[str]


class DataRoomActionsView(TypedDict):
    """The actions that were carried out on the datasets provisioned now."""

    actions: dict[str, DataRoomActionSummary]


class CompatibilityError(TypedDict):
    """A reason why a lab cannot be provisioned to a Media DCR."""

    message: str


class DataLabCompatibilityResponse(TypedDict):
    """Lab → why it cannot be provisioned to a Media DCR."""

    errorsByDataLab: dict[str, list[CompatibilityError]]


class DataRoom(TypedDict):
    """A Media DCR: its owner's e-mail address and its state."""

    id: str
    ownerId: str
    signedContent: SignedContent


class AuditLogDetails(TypedDict):
    """What happened in a Media DCR."""

    kind: str


class DataRoomAuditLog(TypedDict):
    """A line of the audit log of a Media DCR."""

    timestampMillis: int
    user: NotRequired[str]
    details: AuditLogDetails


class Policy(TypedDict):
    """Whether a policy ties a dataset to a slot, and which."""

    status: PolicyStatus
    manifest_hash_hex: NotRequired[str]
    target_leaf: NotRequired[str]
