"""Every error of the list is raised where it is listed, with its type and its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from datalab.errors import DatalabError
from datalab_dagster.archv2.models import JobStatus
from datalab_dagster.media import (
    Audiences,
    IdType,
    LookalikeAudienceBuilder,
    MediaDcr,
    Participant,
    Permission,
    RuleBasedAudienceBuilder,
    provisioning,
)
from datalab_dagster.media.action import CreateLookalikeAudienceAction, CreateRuleBasedAudienceAction
from datalab_dagster.media.compute_job import (
    MediaBaseAudienceValidationReportsJob,
    MediaInsightsJob,
    MediaLookalikeAudienceStatisticsJob,
)
from datalab_dagster.media.lookalike_audience_builder import LookalikeAudienceDefinition
from tests.sdk.media_client import POLICIES, ROOM, Client, custom, described, seed, zip_of
from tests.sdk.media_surface import raises

NOBODY: Any = object()
UNREACHABLE = {("MediaDcr.__init__", "No matching id provided")}
"""A call without matching ids is refused before, with another text."""


def room(**answers: Any) -> MediaDcr:
    client: Any = Client(**answers)
    return MediaDcr.from_existing("room", client)


def create(**given: Any) -> MediaDcr:
    client: Any = Client()
    return MediaDcr(client, **given)


def insights(*, admin: bool = False, run: bool = True, **answers: Any) -> MediaInsightsJob:
    client: Any = Client(**answers)
    job = MediaInsightsJob("room", client, admin)
    if run:
        job.run()
    return job


def status(name: JobStatus, *, ended: bool = True) -> dict[str, Any]:
    return {"get_job_status": {"status": name, "registered_at": "", "completed_at": "now" if ended else None}}


def legacy(**answers: Any) -> None:
    lab = {"isValidated": False, "usersDataset": None}
    room(get_data_lab=lab, **answers)._provision_legacy_data_lab("lab")


def waits_for_reports() -> None:
    client: Any = Client(**status(JobStatus.RUNNING, ended=False))
    jobs = MediaBaseAudienceValidationReportsJob("room", client)
    jobs.run()
    jobs.wait_for_completion(timeout=1)


def unknown_type() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provisioning, "get_data_lab_type", lambda client, lab: "archv9")
        room().provision_base_audience("lab")


def lookalike_of(source: Any) -> LookalikeAudienceDefinition:
    return LookalikeAudienceDefinition(
        name="L", reach=5, exclude_seed_audience=False, source_audience=source, shared_with=[]
    )


def sent(kind: Any, definition: Any) -> None:
    client: Any = Client()
    kind("room", client, definition).create()


WAYS: dict[tuple[str, str], Callable[[], Any]] = {
    ("CreateLookalikeAudienceAction.create", "Invalid source"): lambda: sent(
        CreateLookalikeAudienceAction, lookalike_of(NOBODY)
    ),
    ("CreateRuleBasedAudienceAction.create", "Invalid source"): lambda: sent(
        CreateRuleBasedAudienceAction, RuleBasedAudienceBuilder(name="R", source_audience=NOBODY).build()
    ),
    ("Audiences.get_seed_audience", "No seed"): lambda: Audiences([custom("A")]).get_seed_audience("A"),
    ("Audiences.get_seed_audience", "Multiple"): lambda: Audiences([seed("A"), seed("A")]).get_seed_audience("A"),
    ("Audiences.get_custom_audience", "No custom"): lambda: Audiences([seed("C")]).get_custom_audience("C"),
    ("Audiences.get_custom_audience", "Multiple"): lambda: Audiences([custom(), custom()]).get_custom_audience("C"),
    ("Audiences.is_lookalike_audience", "Unsupported"): lambda: Audiences.is_lookalike_audience(NOBODY),
    ("MediaBaseAudienceValidationReportsJob.wait_for_completion", "Computation did not"): waits_for_reports,
    ("MediaLookalikeAudienceStatisticsJob.__init__", "Cannot compute"): lambda: MediaLookalikeAudienceStatisticsJob(
        "room",
        NOBODY,
        Client(),  # type: ignore[arg-type]
    ),
    ("LookalikeAudienceBuilder.__init__", "Reach value"): lambda: LookalikeAudienceBuilder(
        name="L", reach=31, source_audience=seed("A")
    ),
    ("DcrConfiguration.__init__", "Version not"): lambda: room(
        get_data_room=described({**ROOM, "version": None})
    ).get_configuration(),
    ("MediaDcr.__init__", "name, participants"): lambda: create(name="x", participants=[], matching_ids=[]),
    ("MediaDcr.__init__", "Only one"): lambda: create(
        name="x", participants=[Participant([], [], "")], matching_ids=[IdType.EMAIL, IdType.MAID]
    ),
    ("MediaDcr.provision_base_audience", "Unknown DataLab type"): unknown_type,
    ("MediaDcr._provision_archv2_data_lab", "Cannot provision DataLab, not"): lambda: room(
        get_data_room_actions={"actions": {}}
    ).provision_base_audience("lab"),
    ("MediaDcr._provision_archv2_data_lab", "Unknown policy"): lambda: room(
        get_data_room_policies={"p": {**POLICIES["p-m"], "target_leaf": "nonsense"}}
    ).provision_base_audience("lab"),
    ("MediaDcr._provision_legacy_data_lab", "Cannot provision DataLab, not"): legacy,
    ("MediaDcr._check_data_lab_compatibility", "Cannot provision DataLab, incompatible"): lambda: room(
        check_data_labs_compatibility={"errorsByDataLab": {"lab": [{"message": "a"}, {"message": "b"}]}}
    ).provision_base_audience("lab"),
    ("MediaDcr.get_audiences", "User"): lambda: room(
        get_data_room=described({**ROOM, "participantGroups": []})
    ).get_audiences(),
    ("ComputeJob.run", "Computation has already"): lambda: insights().run(),
    ("ComputeJob.wait_for_completion", "Computation did not"): lambda: insights(
        **status(JobStatus.RUNNING, ended=False)
    ).wait_for_completion(timeout=1),
    ("ComputeJob.is_complete", "Computation has not"): lambda: insights(run=False).is_complete(),
    ("ComputeJob.get_result_as_zipfile", "has not been run"): lambda: insights(run=False).get_result_as_zipfile(),
    ("ComputeJob.get_result_as_zipfile", "is not complete"): lambda: insights(
        **status(JobStatus.RUNNING, ended=False)
    ).result(),
    ("ComputeJob.get_result_as_zipfile", "has status"): lambda: insights(
        admin=True, **status(JobStatus.FAILED)
    ).result(),
    ("ComputeJob.get_result_as_zipfile", "failed with errors"): lambda: insights(**status(JobStatus.FAILED)).result(),
    ("ComputeJob.get_result_as_zipfile", "unexpected status"): lambda: insights(**status(JobStatus.RUNNING)).result(),
    ("ComputeJob.get_result", "Did not find"): lambda: insights(
        download_job_result=lambda *_: zip_of("other.json", "{}")
    ).result(),
    ("ComputeJob._get_task_result_hash", "Did not find task"): lambda: insights()._get_task_result_hash("nonsense"),
}


LISTED = {(place, message): kind for place, kind, message in raises()}


def test_every_listed_error_has_a_way() -> None:
    found = {key for key in LISTED if key not in UNREACHABLE}
    assert {key for key in found if of(key) is None} == set()
    assert len(WAYS) == len(found)


@pytest.mark.parametrize("key", [key for key in LISTED if key not in UNREACHABLE], ids=": ".join)
def test_errors(key: tuple[str, str]) -> None:
    call = of(key)
    assert call is not None
    pattern = ".*".join(map(re.escape, key[1].split("*")))
    with pytest.raises(DatalabError) as raised:
        call()
    assert re.fullmatch(pattern, str(raised.value), re.DOTALL), str(raised.value)
    assert isinstance(raised.value, {"Exception": Exception, "ValueError": ValueError}[LISTED[key]])


def of(key: tuple[str, str]) -> Callable[[], Any] | None:
    """Return the call that raises a listed error; the table has some of its words."""
    place, message = key
    return next((call for (where, words), call in WAYS.items() if where == place and words in message), None)


@pytest.mark.parametrize("reach", [-1, 31])
def test_reach_by_the_builder(reach: int) -> None:
    with pytest.raises(Exception, match=rf"^Reach value {reach} is not in range 0 to 30$"):
        LookalikeAudienceBuilder(name="L", reach=reach, source_audience=seed("A"))
    assert LookalikeAudienceBuilder(name="L", reach=30, source_audience=seed("A")).build().reach == 30


def test_a_permission_that_does_not_exist() -> None:
    found = room()
    participant = found.get_participants()[0]
    with pytest.raises(ValueError, match=r"^'NOPE' is not a valid Permission$"):
        found.add_user_as_participant(participant, "a@x.example", ["NOPE"])  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        Participant(["a@x.example"], ["VIEW_OVERLAP"], "Observer").as_dict()  # type: ignore[list-item]
    assert Permission.VIEW_OVERLAP.value == "VIEW_OVERLAP"
