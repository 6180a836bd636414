"""A client that writes down every call and answers from a table, for tests of Media DCRs; no test is here."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.models import JobStatus
from datalab_dagster.archv2.session import SessionV2
from datalab_dagster.client import Client as RealClient
from datalab_dagster.media import MediaDcr, Participant, Permission
from datalab_dagster.media.api import CustomAudience, SeedAudience
from datalab_dagster.service import LabState

ME, OTHER = "me@x.example", "you@y.example"
KEY = b"key"
ADVERTISER = Participant([ME], [Permission.VIEW_OVERLAP], "Advertiser", id="adv")
PUBLISHER = Participant(
    [OTHER], [Permission.EXPORT_AUDIENCE], "Publisher", "pub", "org", {OTHER: [Permission.EXPORT_AUDIENCE]}
)
LAB = {
    "policies": [{"leafId": "matching", "policyId": "p-m"}, {"leafId": "segments", "policyId": "p-s"}],
    "identifiersConfig": [{"idName": "hem"}],
    "numIdentifiersColumns": 3,
    "requireSegments": True,
}
POLICIES = {
    "p-m": {"status": "ok", "manifest_hash_hex": "aa", "target_leaf": "matching"},
    "p-s": {"status": "ok", "manifest_hash_hex": "bb", "target_leaf": "segments"},
}
GROUPS: list[dict[str, Any]] = [
    {"id": "adv", "role": "Advertiser", "emails": [ME], "permissions": ["VIEW_OVERLAP", "PROVIDE_SEED_AUDIENCE"]},
    {"id": "pub", "role": "Publisher", "emails": [OTHER], "permissions": ["EXPORT_AUDIENCE"], "organizationId": "o"},
    {"id": "q", "role": "?", "emails": ["model.quality@decentriq.com"], "permissions": ["MODEL_QUALITY"]},
]
ROOM: dict[str, Any] = {
    "kind": "media",
    "version": "v1",
    "name": "Autumn",
    "matchingIdType": "HASHED_EMAIL",
    "collaborationTypes": ["INSIGHTS", "RULE_BASED", "OVERLAP"],
    "participantGroups": GROUPS,
    "policies": [{"leafId": "matching", "policyId": "p"}],
}


def room_of(client: Any) -> MediaDcr:
    """Return the room of a client."""
    return MediaDcr.from_existing("room", client)


def seed(audience_type: str) -> SeedAudience:
    """Return a seed audience of a type."""
    found = {"kind": "SEED", "audienceType": audience_type, "createdAt": "2026-11-28T10:00:00Z", "isEmpty": False}
    return SeedAudience.model_validate(found)


def custom(name: str = "C", **fields: Any) -> CustomAudience:
    """Return a custom audience, a remarketing one unless said otherwise."""
    definition = {"kind": "REMARKETING", "seedAudienceRef": {"audienceType": "A"}}
    base = {"id": f"id-{name}", "name": name, "createdAt": "now", "createdBy": ME, "definition": definition}
    return CustomAudience.model_validate(base | fields)


def described(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lab or a room as the low-level client describes it."""
    return {"id": "room", "ownerId": ME, "signedContent": {"content": json.dumps(content)}}


def zip_of(name: str, content: str) -> io.BytesIO:
    """Return a zip with one file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    stream.seek(0)
    return stream


class Recorder:
    """Answers calls from a table and writes them down; only calls that the real class takes are possible."""

    def __init__(self, real: type, calls: list[tuple[Any, ...]], answers: dict[str, Any]) -> None:
        self._real, self._calls, self._answers = real, calls, answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        signature = inspect.signature(getattr(self._real, name))

        def call(*given: Any, **named: Any) -> Any:
            signature.bind(self, *given, **named)
            self._calls.append((name, *given, *named.values()))
            answer = self._answers[name]
            return answer(*given, **named) if callable(answer) else answer

        return call


class Client:
    """A client of a deployment in which lab and room exist and everything succeeds, unless told otherwise.

    Attributes:
        calls: every call, in order: the method's name and its arguments.
        answers: method → its answer, or a function of its arguments.
    """

    user_email = ME
    shows_progress = False

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[str, Any] = {
            "create_data_room": described(ROOM),
            "get_data_room": described(ROOM),
            "get_data_room_audit_log": [{"timestampMillis": 1, "details": {"kind": "dcrCreated"}}],
            "check_data_labs_compatibility": {"errorsByDataLab": {}},
            "get_data_lab": described(LAB),
            "get_data_room_actions": {
                "actions": {
                    name: {"action": json.dumps({"kind": "dataLab", name: {}}), "jobs": ["j"]}
                    for name in ("computeStatistics", "getIdentifiersValidationReport", "getSegmentsValidationReport")
                }
            },
            "lab": SimpleNamespace(state=SimpleNamespace(state=LabState.READY)),
            "get_data_room_policies": POLICIES,
            "create_job": lambda room, action: {"id": next(name for name in action if name != "kind")},
            "get_job_status": {"status": JobStatus.SUCCESS, "registered_at": "", "completed_at": "now"},
            "get_job_tasks": {"tasks": {"t": {"results": {"success": "hash"}}}, "target_task": "t"},
            "get_job_errors": {"users": "No users."},
            "send_get_verification_key_request": KEY,
            "create_policy": lambda policy: f"{policy.data_room_id}/{policy.leaf}/{policy.manifest_hash}",
            "send_data_room_state_action_request": answer_to,
            "notify_participants": None,
        } | answers
        self.client_v2 = Recorder(ClientV2, self.calls, self.answers)
        self._session = Recorder(SessionV2, self.calls, self.answers)
        self._client = Recorder(RealClient, self.calls, self.answers)

    def create_session_v2(self) -> Any:
        return self._session

    def notify_participants(self, *given: Any) -> None:
        self._client.notify_participants(*given)

    def get_data_lab(self, data_lab_id: str) -> Any:
        return self._client.get_data_lab(data_lab_id)

    @property
    def called(self) -> list[str]:
        """Return the names of all calls."""
        return [call[0] for call in self.calls]

    @property
    def actions(self) -> list[Any]:
        """Return every change of state that was sent."""
        return [call[2] for call in self.calls if call[0] == "send_data_room_state_action_request"]


def answer_to(room: str, action: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a deployment answers to a change of state."""
    del room
    name = next(key for key in action if key != "kind")
    if name != "createCustomAudience":
        return {"kind": "media", name: {}}
    given = action[name]
    made = custom(given["name"], definition=given["definition"], sharedWith=given["sharedWith"])
    return {"kind": "media", name: {"audience": made.model_dump(mode="json")}}
