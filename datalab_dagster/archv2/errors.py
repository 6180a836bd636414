"""The errors of the SDK: the vendor's texts, word for word; a note below them says what to do next.

DatalabError
├── UsageError
│   ├── MatchingPathMissing  IdentifiersMissing  DatasetNotProvisioned  UnknownDatasetType
│   ├── SlotNotConfigured (ValueError)  KeyNotKept (ValueError)  AccessListRefused (ValueError)
│   ├── UnknownCollaborationType (ValueError)  DryRunNotOffered (ValueError)
│   ├── DatasetUnknown (NotFoundError)  SecretMissing  SecretUnknown (NotFoundError)  DatasetPublished
│   ├── LabUnknown (NotFoundError)  LabIdMissing  ColumnsMissing  MatchingIdAndConfig
│   ├── JobUnknown (NotFoundError)  AlreadyRun  NotRun  NotComplete  ResultFileMissing
│   ├── TaskResultMissing  MediaNotComputed  RoomNotCreated  NotInvited
│   └── PolicyUnknown  DataRoomUnknown (NotFoundError)
├── LabNotCreated  LabNotDeleted  JobNotCreated    the deployment refused; `__cause__` has the reason
├── JobFailed  UnexpectedJobStatus                  `run` has the deployment's description
├── NotCompleteInTime (TimeoutError)                the job is still running
├── ConnectionLost (ConnectionError)                the job is still running
├── TokenRefused (NotPermitted, AuthorizationError)
└── NobodyThere (ServiceUnreachable, ServerError)
"""

from __future__ import annotations

from collections.abc import Sequence

from datalab.errors import DatalabError, UsageError
from datalab.formats import duration
from datalab_dagster.api import AuthorizationError, NotFoundError, ServerError
from datalab_dagster.service.errors import NotPermitted, ServiceUnreachable
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import RunInfo

# -------------------------------------------------------------------------------------------------- connecting


class TokenRefused(NotPermitted, AuthorizationError):
    """The deployment refuses the token."""

    def __init__(self, error: NotPermitted) -> None:
        DatalabError.__init__(self, str(error))
        self.message = str(error)


class NobodyThere(ServiceUnreachable, ServerError):
    """No deployment answers at the address."""

    def __init__(self, error: ServiceUnreachable) -> None:
        DatalabError.__init__(self, str(error))
        self.message = str(error)


# ------------------------------------------------------------------------------------------------ provisioning


class MatchingPathMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("Matching data path is required and cannot be empty or whitespace")


class SlotNotConfigured(UsageError, ValueError):
    def __init__(self, dataset_type: str) -> None:
        word = dataset_type.lower()
        super().__init__(
            f"Cannot provision {dataset_type} dataset: DataLab was not configured with {word} support. "
            f"Use DataLabBuilder.with_{word}() when creating the DataLab."
        )


class IdentifiersMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("Identifiers data is required for provisioning")
        self.add_note("The dataset is remembered: provisioning MATCH on this DataLab provisions both.")


class DatasetNotProvisioned(UsageError):
    def __init__(self, dataset_type: str) -> None:
        super().__init__(f"Cannot deprovision {dataset_type}: dataset is not provisioned")


class UnknownDatasetType(UsageError):
    def __init__(self, dataset_type: object) -> None:
        super().__init__(f"Unknown dataset type {dataset_type}")


class KeyNotKept(UsageError, ValueError):
    def __init__(self) -> None:
        super().__init__(
            "Datasets are provisioned with their stored key, and these options keep none. Nothing was uploaded; "
            "use SecretStoreOptions(store_encryption_key=True)."
        )


class PolicyUnknown(UsageError):
    def __init__(self, policy_id: str) -> None:
        super().__init__(f"There is no policy {policy_id} of this lab; create it first. Nothing was provisioned.")


# ---------------------------------------------------------------------------------------------------- datasets


class DatasetUnknown(UsageError, NotFoundError):
    def __init__(self, manifest_hash: str) -> None:
        super().__init__(f"Dataset with manifest hash {manifest_hash} not found")


class SecretMissing(UsageError):
    def __init__(self, manifest_hash: str) -> None:
        super().__init__(f"Dataset with manifest hash {manifest_hash} has no associated secret")
        self.add_note("Its key was not stored: upload the file again and let the key be stored.")


class SecretUnknown(UsageError, NotFoundError):
    def __init__(self, secret_id: str) -> None:
        super().__init__(f"Secret with id {secret_id} not found")


class DatasetPublished(UsageError):
    def __init__(self, labs: Sequence[str]) -> None:
        self.labs = list(labs)
        super().__init__(
            "This dataset is published to the following data rooms and needs to be unpublished before it can be "
            "deleted!\n" + "\n".join(f"- {lab}" for lab in labs)
        )


class AccessListRefused(UsageError, ValueError):
    """The access list of a key cannot be used; nothing was uploaded or changed."""


# -------------------------------------------------------------------------------------------------------- labs


class LabUnknown(UsageError, NotFoundError):
    def __init__(self, lab_id: str, reason: str | None = None) -> None:
        super().__init__(f"Data lab with id {lab_id} not found" + (f": {reason}" if reason else ""))


class LabIdMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("Data lab ID is required when building from an existing data lab.")


class ColumnsMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("Number of identifiers columns must be set by calling `with_num_identifiers_columns`")


class MatchingIdAndConfig(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "Matching ID and identifiers config cannot be used together. Please remove the matching ID and use the "
            "identifiers config instead."
        )


class UnknownCollaborationType(UsageError, ValueError):
    def __init__(self, collaboration_type: object) -> None:
        super().__init__(f"Unhandled CollaborationType: {collaboration_type!r}")


class LabNotCreated(DatalabError):
    def __init__(self, error: DatalabError) -> None:
        super().__init__(f"Failed to create data lab: {status_of(error)} {error}")


class LabNotDeleted(DatalabError):
    def __init__(self, error: DatalabError) -> None:
        super().__init__(f"Failed to delete data lab: {status_of(error)} {error}")


class RoomNotCreated(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "Failed to create data room: this deployment contains Data Labs only, no Media DCRs. Nothing was created."
        )


class NotInvited(UsageError):
    def __init__(self, data_room_id: str) -> None:
        super().__init__(f"A deployment sends no mail. Give the participants the id of the room: {data_room_id}.")


class DataRoomUnknown(UsageError, NotFoundError):
    def __init__(self, data_room_id: str) -> None:
        super().__init__(
            f"Data room with id {data_room_id} not found: your own deployment contains Data Labs only. Ask the "
            "clean room that runs it."
        )


# -------------------------------------------------------------------------------------------------------- jobs


class DryRunNotOffered(UsageError, ValueError):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"A lab validates the datasets provisioned to it, without {what}. No job was started; "
            "`datalab_dagster.data_lab.preflight` checks other files against the lab's definition."
        )


class JobNotCreated(DatalabError):
    def __init__(self, error: DatalabError) -> None:
        super().__init__(f"Failed to create job: {status_of(error)} {error}")


class MediaNotComputed(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "A deployment does not compute Media DCRs; no job was started. `datalab media preflight` computes one from "
            "files."
        )


class JobUnknown(UsageError, NotFoundError):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job with id {job_id} not found")


class AlreadyRun(UsageError):
    def __init__(self) -> None:
        super().__init__("Computation has already been run")


class NotRun(UsageError):
    """The job was not started; with `result`, the text names the job."""

    def __init__(self, *, result: bool = False) -> None:
        super().__init__("Job 'None' has not been run" if result else "Computation has not been run")


class NotComplete(UsageError):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job '{job_id}' is not complete")


def failures(run: RunInfo, reason: str | None = None) -> dict[str, str]:
    """Return failed step → reason, with the address of the run's page if there is one."""
    steps = [step.name for step in run.steps if step.state == "FAILED"] or ["validation"]
    cause = (reason or run.reason or "no reason was given").rstrip(".")
    see = f" See {run.url}." if run.url else ""
    return dict.fromkeys(steps, f"{cause}.{see}")


class JobFailed(DatalabError):
    """A job failed; the text has the reason and, if there is one, the address of the run's page."""

    def __init__(self, run: RunInfo, reason: str | None = None) -> None:
        self.run = run
        lines = "\n".join(f"{step}: {cause}" for step, cause in failures(run, reason).items())
        super().__init__(f"Job '{run.run_id}' failed with errors: {lines}")


class UnexpectedJobStatus(DatalabError):
    def __init__(self, run: RunInfo, status: str) -> None:
        self.run = run
        super().__init__(f"Job '{run.run_id}' has status: {status}")


class ResultFileMissing(UsageError):
    def __init__(self, name: str) -> None:
        super().__init__(f"Did not find {name} in zip")


class TaskResultMissing(UsageError):
    def __init__(self, task_name: str) -> None:
        super().__init__(f"Did not find task result hash for task {task_name}")


class NotCompleteInTime(DatalabError, TimeoutError):
    def __init__(self) -> None:
        super().__init__("Computation did not complete within timeout")
        self.add_note("The job is still running; call again to keep waiting.")


class ConnectionLost(DatalabError, ConnectionError):
    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(
            f"The deployment was unreachable for {duration(round(seconds))} while waiting: {reason} The job is still "
            "running there; call again to keep waiting."
        )
