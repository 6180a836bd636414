"""Jobs of a room start at once, make the calls of the vendor's package, and return parsed results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datalab_dagster.archv2.models import JobStatus
from datalab_dagster.media import Audiences, MediaDcr, api
from datalab_dagster.media.audience_statistics_result import LalAudienceStatistics
from datalab_dagster.media.compute_job import MediaGetAudiencesJob, MediaModelQualityReportJob
from datalab_dagster.media.validation_reports import ValidationReports
from tests.sdk.media_client import ME, Client, custom, seed, zip_of

OVERLAP = {"overlap_statistics": [{"audience_type": "A", "advertiser_is_empty": False, "overlap_size": 200}]}
CURVE = {"auc": 0.5, "fpr": [0.0, 1.0], "tpr": [0.0, 1.0]}
LOOKALIKE = {
    "seed_audience_size": 200,
    "quality": {"roc_curve": {**CURVE, "reach": [0.0, 1.0], "test_set_size": 0, "test_set_positive_examples_size": 0}},
    "activation_ids": {},
}
REPORT: dict[str, Any] = {
    "version": "v0",
    "report": {
        "columns": [],
        "numInvalidRowsTotal": 0,
        "outcome": "PASSED",
        "schema": {"numErrorsTotal": 0, "recordedErrors": []},
        "table": {"numErrorsTotal": 0, "recordedErrors": []},
    },
}
IDENTIFIERS = {"version": "v0", "report": {**REPORT["report"], "config": [], "numValidRows": 3}}


def room(**files: str) -> tuple[MediaDcr, Any]:
    """Return a room, and its client; action → the file that its job yields."""

    def download(job: str, result: str) -> Any:
        assert result == "hash"
        name, _, text = files[job].partition("|")
        return zip_of(name, text)

    client: Any = Client(download_job_result=download)
    return MediaDcr.from_existing("room", client), client


def of(name: str, content: Any) -> str:
    """Return a file of a result: its name and its content."""
    return f"{name}|{content if isinstance(content, str) else json.dumps(content)}"


def test_a_job_is_started_at_once_and_followed_by_its_id() -> None:
    found, client = room(computeOverlapStatistics=of("overlap.json", OVERLAP))
    job = found.get_overlap_statistics()
    assert client.calls == [("create_job", "room", {"kind": "media", "computeOverlapStatistics": {}})]
    assert job.job_id == "computeOverlapStatistics" and job.is_complete()
    assert job.wait_for_completion() is job
    result = job.result()
    assert isinstance(result, api.OverlapStatisticsResult) and result.overlap_statistics[0].overlap_size == 200
    assert client.called[-3:] == ["get_job_tasks", "get_job_status", "download_job_result"]


def test_results_of_numbers() -> None:
    insights = {"audiences": [{"audience_type": "A", "aggregations": []}]}
    attributes = {"attributes": {"age": {"values": ["18-24"], "value_type": "NUMERIC_RANGE", "filters": ["EMPTY"]}}}
    found, _ = room(
        computeInsights=of("segments.json", insights),
        getDataAttributes=of("attributes.json", attributes),
        estimateMultiIdAudienceSize=of("audience_size.json", {"userId": 200, "maid": None}),
        getMultiIdLookalikeAudienceStatistics=of("lookalike_audience.json", LOOKALIKE),
        retrieveModelQualityReport=of("model_quality.json", {"version": "v0", "models": []}),
    )
    assert found.get_insights().result().total_publisher is None
    assert found.get_data_attributes().result().attributes["age"].value_type is api.ValueType.NUMERIC_RANGE
    assert found.get_audience_size(seed("A")).result() == {"userId": 200, "maid": None}
    statistics = found.get_lookalike_audience_statistics(custom()).result()
    assert statistics.model_dump() == {"quality": {"roc_curve": CURVE}}
    assert statistics.model_dump_json(indent=1) == json.dumps(statistics.model_dump(), indent=1)
    assert LalAudienceStatistics.from_dict(LOOKALIKE).model_dump() == statistics.model_dump()
    job = found._retrieve_model_quality_report()
    assert isinstance(job, MediaModelQualityReportJob) and job.result()["version"] == "v0"
    assert api.LookalikeAudienceStatisticsResult.model_validate(LOOKALIKE).quality.roc_curve.auc == 0.5


def test_a_user_list_is_a_list_of_ids_without_empty_lines() -> None:
    found, client = room(getAudienceUserList=of("audience_users.csv", 'm1\r\n\nm,2\n"m 3"\n'))
    base: Any = api.AudienceReference1(kind="BASE")
    assert found.get_audience_user_list(base).result() == ["m1", "m,2", '"m 3"']
    assert client.calls[0][2] == {"kind": "media", "getAudienceUserList": {"audienceRef": {"kind": "BASE"}}}


@pytest.mark.parametrize("method", ["get_audience_size", "get_audience_user_list"])
def test_what_is_no_audience(method: str) -> None:
    found, client = room()
    with pytest.raises(Exception, match=r"^Unsupported audience type: <class 'str'>$"):
        getattr(found, method)("A")
    assert client.calls == []


# ------------------------------------------------------------------------------------------------------- audiences


def test_audiences_are_those_of_the_users_participant_custom_ones_first() -> None:
    everything = [
        custom("own", createdByGroupId="adv"),
        custom("shared", createdByGroupId="pub", sharedWith=["adv"]),
        custom("a prerequisite", createdByGroupId="pub", sharedWith=["other"]),
        custom("old and own", createdBy=ME),
        custom("old, of another", createdBy="you@y.example"),
    ]
    found, client = room(
        getCustomAudiences=of("audiences.json", api.GetCustomAudiencesResult(audiences=everything).model_dump_json()),
        getSeedAudiences=of("audiences.json", api.GetSeedAudiencesResult(audiences=[seed("A")]).model_dump_json()),
    )
    job = found.get_audiences()
    assert [call[2] for call in client.calls if call[0] == "create_job"] == [
        {"kind": "media", "getCustomAudiences": {"user": ME}},
        {"kind": "media", "getSeedAudiences": {"user": ME}},
    ]
    assert job.is_complete() and job.wait_for_completion() is job
    audiences = job.result()
    assert isinstance(audiences, Audiences)
    names = [one.name if isinstance(one, api.CustomAudience) else one.audienceType for one in audiences.list()]
    assert names == ["own", "shared", "old and own", "A"]
    assert audiences.get_custom_audience("own").id == "id-own" and audiences.get_seed_audience("A") == seed("A")
    assert job.job_id == "getCustomAudiences"
    with pytest.raises(Exception, match=r"^Computation has already been run$"):
        job.run()


def test_audiences_are_complete_when_both_lists_are() -> None:
    states = {"getCustomAudiences": None, "getSeedAudiences": "now"}

    def status(job: str) -> dict[str, Any]:
        return {"status": JobStatus.SUCCESS, "registered_at": "", "completed_at": states[job]}

    client: Any = Client(get_job_status=status)
    job = MediaGetAudiencesJob("room", ME, client, "adv")
    with pytest.raises(Exception, match=r"^Computation has not been run$"):
        job.is_complete()
    job.run()
    assert not job.is_complete()
    with pytest.raises(TimeoutError, match=r"^Computation did not complete within timeout"):
        job.wait_for_completion(timeout=1)
    states["getCustomAudiences"] = "now"
    assert job.wait_for_completion(timeout=1).is_complete()


def test_lookalikes_are_recognised() -> None:
    definition = {"kind": "LOOKALIKE", "reach": 5, "sourceRef": {"kind": "BASE"}}
    assert Audiences.is_lookalike_audience(custom(definition=definition))
    assert not Audiences.is_lookalike_audience(custom()) and not Audiences.is_lookalike_audience(seed("A"))


# --------------------------------------------------------------------------------------------- validation reports


def test_validation_reports() -> None:
    found, _ = room(
        getIdentifiersValidationReport=of("validation-report.json", IDENTIFIERS),
        getSegmentsValidationReport=of("validation-report.json", REPORT),
        getDemographicsValidationReport=of("validation-report.json", REPORT),
        getAudiencesValidationReport=of("validation-report.json", REPORT),
    )
    assert found.get_seed_audiences_validation_report().result().report.outcome is api.ValidationOutcome.PASSED
    jobs = found.get_base_audience_validation_reports()
    assert jobs.wait_for_completion(timeout=5) is jobs and not hasattr(jobs, "is_complete")
    reports = jobs.result()
    assert list(reports.formatted_reports) == ["matching", "segments", "demographics"]
    assert str(reports) == reports.model_dump_json() == json.dumps(reports.formatted_reports, indent=2)
    assert json.loads(str(reports))["matching"]["report"]["numValidRows"] == 3
    shown = ValidationReports(None, reports.segments, reports.demographics)
    assert list(shown.formatted_reports) == ["segments", "demographics"]


def test_a_failed_job_says_which_step_failed() -> None:
    client: Any = Client(
        get_job_status={"status": JobStatus.FAILED, "registered_at": "", "completed_at": "now"},
        get_job_errors={"base_users": "one.", "overlap_statistics": "two."},
    )
    job = MediaDcr.from_existing("room", client).get_overlap_statistics()
    expected = f"^Job '{job.job_id}' failed with errors: base_users: one.\noverlap_statistics: two.$"
    with pytest.raises(Exception, match=expected):
        job.get_result()
