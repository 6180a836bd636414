"""What Media DCRs of a package send and return, with a client that writes down, as JSON; the command line names it.

Run by the interpreter of the package in question, so nothing of the project is imported here.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable
from enum import Enum
from typing import Any
from unittest.mock import MagicMock

warnings.simplefilter("ignore")
root = sys.argv[1]
media = importlib.import_module(f"{root}.media")
actions = importlib.import_module(f"{root}.media.action")
jobs = importlib.import_module(f"{root}.media.compute_job")
P = media.Permission

SENT = {
    "client_v2.create_data_room",
    "client_v2.get_data_room",
    "client_v2.get_data_room_audit_log",
    "client_v2.check_data_labs_compatibility",
    "client_v2.get_data_room_policies",
    "client_v2.create_job",
    "client_v2.get_job_status",
    "client_v2.get_job_tasks",
    "notify_participants",
    "create_session_v2().send_data_room_state_action_request",
}
"""The calls that both packages make in the same words."""
ME, OTHER = "me@x.org", "you@y.org"
ADVERTISER = media.Participant([ME], [P.VIEW_OVERLAP], "Advertiser", id="adv")
PUBLISHER = media.Participant([OTHER], [P.EXPORT_AUDIENCE], "Publisher", "pub", "o", {OTHER: [P.EXPORT_AUDIENCE]})
GROUPS = [ADVERTISER.as_dict(), PUBLISHER.as_dict()]
HIDDEN = {**ADVERTISER.as_dict(), "id": "q", "emails": ["model.quality@decentriq.com"]}
ROOM = {
    "version": "v1",
    "name": "Autumn",
    "matchingIdType": "EMAIL",
    "collaborationTypes": ["INSIGHTS", "RULE_BASED", "OVERLAP"],
    "participantGroups": [*GROUPS, HIDDEN],
    "policies": [{"leafId": "audiences", "policyId": "p"}],
}
LAB = {
    "policies": [{"leafId": "matching", "policyId": "m"}, {"leafId": "segments", "policyId": "s"}],
    "identifiersConfig": [{"idName": "hem", "idType": "EMAIL", "isMatchingId": True, "isActivationId": False}],
    "numIdentifiersColumns": 3,
    "numEmbeddings": 2,
}
POLICIES = {
    "m": {"status": "ok", "manifest_hash_hex": "aa" * 32, "target_leaf": "matching"},
    "s": {"status": "ok", "manifest_hash_hex": "bb" * 32, "target_leaf": "segments"},
}
AUDIENCE = {
    "id": "i",
    "name": "C",
    "createdAt": "now",
    "createdBy": ME,
    "definition": {"kind": "LOOKALIKE", "reach": 3, "sourceRef": {"kind": "BASE"}},
}
SEED = media.api.SeedAudience(kind="SEED", audienceType="A", createdAt="2026-01-01T00:00:00Z", isEmpty=False)
RULE = media.AudienceFilters(
    filters=[media.Filter(attribute="age", values=["18-24"], operator=media.FilterOperator.CONTAINS_ANY)],
    operator=media.MatchOperator.MATCH_ALL,
)


def custom() -> Any:
    return media.api.CustomAudience(**AUDIENCE)


def rule() -> Any:
    other = media.AudienceCombinatorBuilder(operator=media.CombineOperator.DIFF, source_audience=SEED)
    builder = media.RuleBasedAudienceBuilder(name="Q", source_audience=custom()).with_filters(RULE)
    return builder.with_combinator([other.with_filters(RULE).build()]).build()


def lookalike(reach: int = 5) -> Any:
    builder = media.LookalikeAudienceBuilder(name="L", reach=reach, source_audience=SEED)
    return builder.with_exclude_seed_audience().with_share_with_participants([PUBLISHER]).build()


def described(content: Any) -> dict[str, Any]:
    return {"id": "x", "ownerId": ME, "signedContent": {"content": json.dumps(content)}}


def client() -> Any:
    made = MagicMock()
    made.user_email = ME
    made._get_share_mdcr_aggregated_results.return_value = False
    made.get_dataset_encryption_key_secret_id.return_value = "secret"
    made.client_v2.get_data_room.return_value = made.client_v2.create_data_room.return_value = described(ROOM)
    made.client_v2.get_data_lab.return_value = described(LAB)
    made.client_v2.check_data_labs_compatibility.return_value = {"errorsByDataLab": {"lab": []}}
    made.client_v2.get_data_room_policies.return_value = POLICIES
    made.client_v2.create_job.return_value = {"id": "job"}
    session = made.create_session_v2.return_value
    session.send_get_verification_key_request.return_value = b"key"
    session.create_policy.return_value = "policy"
    session.send_data_room_state_action_request.return_value = {"createCustomAudience": {"audience": AUDIENCE}}
    return made


def job_of(name: str, *given: Any) -> Callable[[Any], Any]:
    return lambda room: getattr(room, name)(*given).job_id


def create(**given: Any) -> Callable[[Any], Any]:
    one = {"name": "Autumn", "participants": [ADVERTISER, PUBLISHER], "matching_ids": [media.IdType.EMAIL]} | given
    return lambda room: media.MediaDcr(room.client, **one).matching_id


def incompatible(room: Any) -> None:
    errors = {"errorsByDataLab": {"lab": [{"message": "one"}, {"message": "two"}]}}
    room.client_v2.check_data_labs_compatibility.return_value = errors
    room.provision_base_audience("lab")


def parsed(name: str, content: bytes, *given: Any) -> Callable[[Any], Any]:
    def ask(room: Any) -> Any:
        job = getattr(room, name)(*given)
        job.get_result = lambda: content
        return job.result()

    return ask


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "create": create(collaboration_types=[media.CollaborationType.INSIGHTS], show_match_rate=True),
    "create without types": create(),
    "create without participants": create(participants=[]),
    "create with two ids": create(matching_ids=[media.IdType.EMAIL, media.IdType.MAID]),
    "configuration": lambda room: [room.get_configuration().config, str(room.get_configuration())],
    "participants": lambda room: [one.as_dict() for one in participants(room)],
    "log": lambda room: str(room.get_audit_log())[:0],
    "is provisioned": lambda room: [room.is_base_audience_provisioned(), room.are_seed_audiences_provisioned()],
    "activation id": lambda room: room.set_activation_id("maid"),
    "seed": lambda room: room.provision_seed_audiences("ab" * 32),
    "no seed": lambda room: room.deprovision_seed_audiences(),
    "no base": lambda room: room.deprovision_base_audience(),
    "an incompatible lab": incompatible,
    "lookalike": lambda room: room.create_lookalike_audience(lookalike()),
    "lookalike of 31 %": lambda room: lookalike(31),
    "remarketing": lambda room: room.create_remarketing_audience(
        media.RemarketingAudienceBuilder(name="R", source_audience_type="A").build()
    ),
    "exclusion": lambda room: room.create_exclusion_targeting_audience(
        media.ExclusionTargetingAudienceBuilder(name="R", source_audience_type="A").build()
    ),
    "rule": lambda room: room.create_rule_based_audience(rule()),
    "rule without rules": lambda room: room.create_rule_based_audience(
        media.RuleBasedAudienceBuilder(name="Q", source_audience=SEED).build()
    ),
    "share": lambda room: room.share_audiences([custom()], [PUBLISHER]),
    "delete": lambda room: room.delete_audiences([custom()], delete_dependent_audiences=True),
    "prerequisites": lambda room: str(actions.GetAudiencePrerequisitesAction("r", room.client, custom()).get())[:0],
    "add": lambda room: room.add_user_as_participant(ADVERTISER, "n@x.org", [P.VIEW_OVERLAP]),
    "add with a text": lambda room: room.add_user_as_participant(ADVERTISER, "n@x.org", ["VIEW_OVERLAP"]),
    "add with a wrong text": lambda room: room.add_user_as_participant(ADVERTISER, "n@x.org", ["NOPE"]),
    "remove": lambda room: room.remove_user_from_participant(ADVERTISER, "n@x.org"),
    "overlap": job_of("get_overlap_statistics"),
    "insights": job_of("get_insights"),
    "attributes": job_of("get_data_attributes"),
    "seed report": job_of("get_seed_audiences_validation_report"),
    "base reports": lambda room: list(room.get_base_audience_validation_reports().validation_jobs),
    "model quality": job_of("_retrieve_model_quality_report"),
    "size": job_of("get_audience_size", SEED),
    "size of a text": job_of("get_audience_size", "A"),
    "users": job_of("get_audience_user_list", custom()),
    "statistics": job_of("get_lookalike_audience_statistics", custom()),
    "statistics of a text": job_of("get_lookalike_audience_statistics", "A"),
    "audiences": lambda room: str(room.get_audiences())[:0],
    "the users of a list": parsed("get_audience_user_list", b"m1\r\n\nm2\nm 3", SEED),
    "sizes": parsed("get_audience_size", b'{"userId": 200, "maid": null}', SEED),
    "a job twice": lambda room: room.get_insights().run(),
    "a lab": lambda room: room.provision_base_audience("lab", force=True),
}  # fmt: skip


def participants(room: Any) -> list[Any]:
    """Return the participants; what is read back holds members in ours, texts in theirs."""
    found = room.get_participants()
    for one in found:
        one.permissions = [P(permission) for permission in one.permissions]
    return list(found)


def plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    return plain(value.model_dump(mode="json")) if hasattr(value, "model_dump") else value


def answer(question: Callable[[Any], Any]) -> Any:
    recorder = client()
    try:
        found = plain(question(media.MediaDcr.from_existing("r", recorder)))
    except Exception as error:  # noqa: BLE001 - what is raised is the answer
        kind = next(one.__name__ for one in type(error).__mro__ if one.__module__ == "builtins")
        found = {"raises": kind, "text": str(error).replace(root, "PACKAGE")}
    return {"answers": found, "calls": [[name, plain(given)] for name, given, _ in recorder.mock_calls if name in SENT]}


json.dump({name: answer(question) for name, question in QUESTIONS.items()}, sys.stdout, default=repr, sort_keys=True)
