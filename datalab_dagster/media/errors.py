"""The errors of Media DCRs in the SDK: the vendor's texts, word for word. Those of jobs: `archv2.errors`.

DatalabError
└── UsageError
    ├── RoomIncomplete  MatchingIdMissing  OneMatchingIdOnly     a room cannot be created from these arguments
    ├── LabIncompatible  LabNotValidated  LabTypeUnknown  LeafUnknown (ValueError)
    ├── InNoParticipant  VersionMissing
    ├── ReachOutOfRange  SourceNotAnAudience  NotAnAudience  NoLookalikeOfThat
    ├── AudienceMissing  AudienceAmbiguous
    └── RoomJobFailed  RoomJobStatus
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datalab.errors import UsageError


class RoomIncomplete(UsageError):
    def __init__(self) -> None:
        super().__init__("name, participants, and matching_ids are required when creating a new DCR")


class MatchingIdMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("No matching id provided")


class OneMatchingIdOnly(UsageError):
    def __init__(self) -> None:
        super().__init__("Only one matching id is currently supported")


class LabIncompatible(UsageError):
    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = list(messages)
        super().__init__(f"Cannot provision DataLab, incompatible. Error messages: {', '.join(messages)}")


class LabNotValidated(UsageError):
    def __init__(self) -> None:
        super().__init__("Cannot provision DataLab, not validated.")
        self.add_note("Validate it and correct what the findings name; force=True uses its datasets nevertheless.")


class LabTypeUnknown(UsageError):
    def __init__(self, lab_type: object) -> None:
        super().__init__(f"Unknown DataLab type: {lab_type}")


class LeafUnknown(UsageError, ValueError):
    def __init__(self, leaf: object) -> None:
        super().__init__(f"Unknown policy target leaf: {leaf}")


class InNoParticipant(UsageError):
    def __init__(self, email: str) -> None:
        super().__init__(f"User {email} does not appear in any of the participants")


class VersionMissing(UsageError):
    def __init__(self) -> None:
        super().__init__("Version not found in signed content")


class ReachOutOfRange(UsageError):
    def __init__(self, reach: int) -> None:
        super().__init__(f"Reach value {reach} is not in range 0 to 30")


class SourceNotAnAudience(UsageError):
    def __init__(self, source: object) -> None:
        super().__init__(f"Invalid source audience type: {type(source)}")


class NotAnAudience(UsageError):
    def __init__(self, audience: object) -> None:
        super().__init__(f"Unsupported audience type: {type(audience)}")


class NoLookalikeOfThat(UsageError):
    def __init__(self, audience: object) -> None:
        super().__init__(f"Cannot compute lookalike statistics for audience of unknown type: {type(audience)}")


class AudienceMissing(UsageError):
    def __init__(self, what: str) -> None:
        super().__init__(f"No {what}")


class AudienceAmbiguous(UsageError):
    def __init__(self, what: str) -> None:
        super().__init__(f"Multiple {what}")


class RoomJobFailed(UsageError):
    """A job failed; `errors` has step → reason."""

    def __init__(self, job_id: str, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        lines = "\n".join(f"{step}: {reason}" for step, reason in errors.items())
        super().__init__(f"Job '{job_id}' failed with errors: {lines}")


class RoomJobStatus(UsageError):
    def __init__(self, job_id: str, what: str) -> None:
        super().__init__(f"Job '{job_id}' has {what}")
