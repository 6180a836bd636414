"""Statistics, validation reports and history: what came out of a lab, and who may read it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.dashboard import shareable
from datalab.deployment import Deployment
from datalab.deployment.addresses import result
from datalab.kinds import DatasetKind
from datalab.registry import NewResult
from datalab.results.statistics import StatisticsResultV2
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import HINT, QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import read

SECRET = "secret@sample.example"


def larger(report: dict[str, Any]) -> None:
    """Ten users more than in the case's own report."""
    report["basic_statistics"]["identifiers"]["distinct_user_ids"] += 10


@pytest.fixture
def refreshed(validated: Validated) -> LabInfo:
    """A lab with a result, and a second one of other data with ten users more."""
    return validated(lab=validated(name="Refreshed"), change=larger)


def test_statistics_show_every_panel_with_its_filter(publisher: TestClient, validated: Validated) -> None:
    lab = validated()
    page = read(publisher, f"/datalabs/{lab.id}/statistics")
    panels = {attributes["data-panel"] for tag, attributes in page.tags if "data-panel" in attributes}
    assert panels >= {"identifiers_overview", "basic_segments", "segment_user_counts", "demographic_user_counts"}
    filters = [attributes["data-filter"] for tag, attributes in page.tags if "data-filter" in attributes]
    assert filters == ["", *(kind.value for kind in lab.definition.datasets)]
    assert "Readiness by collaboration type" in page.text
    report = publisher.get(f"/datalabs/{lab.id}/statistics.json").json()["report"]
    assert f"{report['basic_statistics']['identifiers']['valid_rows']:,}" in page.text
    assert "default-src 'none'" in publisher.get(f"/datalabs/{lab.id}/statistics").headers["content-security-policy"]


def test_the_json_is_downloaded_as_it_was_computed(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    lab = validated()
    answer = publisher.get(f"/datalabs/{lab.id}/files/statistics.json")
    assert answer.content == service.result_file(lab.id, "statistics.json")
    assert answer.headers["content-disposition"] == f'attachment; filename="{lab.id}-statistics.json"'
    dashboard = publisher.get(f"/datalabs/{lab.id}/files/dashboard.html")
    assert "sandbox" in dashboard.headers["content-security-policy"]
    for trick in ("validation-report.json", "..%2f..%2fmaster.key", "statistics.json%00"):
        assert publisher.get(f"/datalabs/{lab.id}/files/{trick}").status_code in (404, 422), trick


def test_a_panel_that_is_not_the_vendors_is_not_shared_with_its_admins(
    publisher: TestClient, admin: TestClient, validated: Validated
) -> None:
    panels = {"two_segment_users": {"all users": 28}}
    lab = validated(change=lambda report: report.update(panels=panels), share_statistics=True)
    paths = [f"/datalabs/{lab.id}/files/statistics.json", f"/api/shared/labs/{lab.id}/statistics.json"]
    assert publisher.get(paths[0]).json()["panels"] == panels
    assert publisher.get(f"/datalabs/{lab.id}/statistics.json").json()["report"]["panels"] == panels
    own = publisher.get(paths[0]).json()
    own.pop("panels")
    disclosed = shareable(StatisticsResultV2.model_validate(own), 10, shared=True)
    assert "panels" not in disclosed
    for path in paths:
        assert admin.get(path).json() == disclosed
    assert admin.get(f"/datalabs/{lab.id}/statistics.json").json()["report"] == disclosed


def test_the_refresh_before_is_compared_and_can_still_be_read(
    publisher: TestClient, service: QuietService, refreshed: LabInfo
) -> None:
    page = read(publisher, f"/datalabs/{refreshed.id}/history")
    assert "Compared with the previous refresh" in page.text and "+10" in page.text
    assert "+10 since last time" in read(publisher, f"/datalabs/{refreshed.id}").text
    earlier = service.results(refreshed.id)[1]
    before = read(publisher, f"/datalabs/{refreshed.id}/statistics?run={earlier.run_id}")
    assert "an earlier result" in before.text
    now = publisher.get(f"/datalabs/{refreshed.id}/statistics.json").json()
    old = publisher.get(f"/datalabs/{refreshed.id}/statistics.json?run={earlier.run_id}").json()
    users = [p["report"]["basic_statistics"]["identifiers"]["distinct_user_ids"] for p in (old, now)]
    assert users[1] == users[0] + 10
    assert publisher.get(f"/datalabs/{refreshed.id}/statistics.json?run=nothing").status_code == 404


def test_history_tells_who_did_what_and_when(publisher: TestClient, service: QuietService, refreshed: LabInfo) -> None:
    entries = publisher.get(f"/datalabs/{refreshed.id}/history.json").json()["entries"]
    assert [entry["at"] for entry in entries] == sorted((entry["at"] for entry in entries), reverse=True)
    titles = [entry["title"] for entry in entries]
    assert titles.count("Segments provisioned") == titles.count("Segments replaced") == 1
    assert titles.count("Validation") == 2
    page = read(publisher, f"/datalabs/{refreshed.id}/history")
    assert "segments.csv, in place of segments.csv" in page.text and service.user in page.text
    assert all(f"/datalabs/{refreshed.id}/runs/{run.run_id}" in page.links for run in service.runs(refreshed.id))


def test_history_names_what_a_run_materialised(
    publisher: TestClient, deployment: Deployment, refreshed: LabInfo
) -> None:
    runs = deployment.registry.runs
    runs.start(refreshed.id, "by-hand", cause="by hand")
    runs.note_assets("by-hand", ["segments_per_user"])
    runs.finish("by-hand")
    runs.start(refreshed.id, "stopped", cause="by hand")
    runs.note_assets("stopped", ["valid_segments", "segments_validation_report", "validation_status"])
    runs.cancel("stopped")
    first, second, *_ = publisher.get(f"/datalabs/{refreshed.id}/history.json").json()["entries"]
    assert (first["title"], first["detail"]) == ("Validation cancelled", "of Segments")
    assert (second["title"], second["detail"]) == ("Segments-per-user counts", "")


def test_history_draws_every_headline_number_over_the_refreshes(publisher: TestClient, refreshed: LabInfo) -> None:
    twin = publisher.get(f"/datalabs/{refreshed.id}/history.json").json()
    assert {trend["dataset"] for trend in twin["trends"]} >= {"Identifiers", "Segments", "Demographics", "Embeddings"}
    users = next(trend for trend in twin["trends"] if trend["metric"] == "identifiers.distinct_user_ids")
    before, now = users["points"]
    assert now["value"] == before["value"] + 10 and (before["replaced"], now["replaced"]) == (False, True)
    page = read(publisher, f"/datalabs/{refreshed.id}/history")
    assert page.html.count('class="sparkline"') == len(twin["trends"]) and "Show as table" in page.text
    answer = publisher.get(f"/datalabs/{refreshed.id}/history/trends.csv")
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert answer.headers["cache-control"] == "no-store" and len(lines) == 1 + 2 * len(twin["trends"])
    assert [line[5:] for line in lines if line[4] == "identifiers.distinct_user_ids"] == [
        [str(before["value"]), "false"],
        [str(now["value"]), "true"],
    ]


def test_trends_outlive_the_results_that_are_kept(
    publisher: TestClient, deployment: Deployment, refreshed: LabInfo
) -> None:
    file = f"/datalabs/{refreshed.id}/history/trends.csv"
    before, text = publisher.get(f"/datalabs/{refreshed.id}/history.json").json(), publisher.get(file).text
    deployment.settings = deployment.settings.model_copy(update={"keep_results": 1})
    deployment.sweep()
    twin = publisher.get(f"/datalabs/{refreshed.id}/history.json").json()
    assert len(before["refreshes"]) == 2 and len(twin["refreshes"]) == 1
    assert twin["trends"] == before["trends"]
    assert publisher.get(file).text == text


def test_the_result_that_counts_now_stands_first(
    publisher: TestClient, service: QuietService, refreshed: LabInfo
) -> None:
    first, second = reversed(service.results(refreshed.id))
    service.change(refreshed.id, dict(first.datasets))
    twin = publisher.get(f"/datalabs/{refreshed.id}/history.json").json()
    assert [refresh["runId"] for refresh in twin["refreshes"]] == [first.run_id, second.run_id]


def test_reports_are_made_readable_for_publishers(publisher: TestClient, validated: Validated) -> None:
    lab = validated()
    answer = publisher.get(f"/datalabs/{lab.id}/reports", headers={"Accept": "text/html"})
    assert answer.headers["cache-control"] == "no-store"
    page = read(publisher, f"/datalabs/{lab.id}/reports")
    assert "A required value is empty EMPTY_CELL 3 7.5%" in page.text
    assert "Duplicate of another row DUPLICATE_VALUES 2 5.0%" in page.text
    assert f"user-7, hem, <b>{SECRET}</b>" in page.text, "sample values, as text"
    assert "Column segment: 1 of 3 rows" in page.text
    assert page.text.count(HINT.message) == 4
    assert publisher.get(f"/datalabs/{lab.id}/reports.json").json()["reports"][0]["hints"] == [HINT.model_dump()]
    report = publisher.get(f"/datalabs/{lab.id}/reports/segments/download")
    assert json.loads(report.content)["report"]["numRowsTotal"] == 40
    assert report.headers["cache-control"] == "no-store" and "attachment" in report.headers["content-disposition"]


def test_a_viewer_sees_no_report_and_no_way_to_one(viewer: TestClient, validated: Validated) -> None:
    lab = validated()
    for address in (f"/datalabs/{lab.id}", f"/datalabs/{lab.id}/statistics", f"/datalabs/{lab.id}/history"):
        page = read(viewer, address)
        assert not [link for link in page.links if "report" in link], address
        assert SECRET not in page.html
    for address in ("reports", "reports.json", "reports/identifiers/download"):
        answer = viewer.get(f"/datalabs/{lab.id}/{address}")
        assert answer.status_code == 403 and SECRET not in answer.text, address
    assert "This is not for your role" in read(viewer, f"/datalabs/{lab.id}/reports", 403).text


def test_the_report_of_a_deleted_dataset_is_gone_with_its_key(
    publisher: TestClient, service: QuietService, refreshed: LabInfo
) -> None:
    earlier = service.results(refreshed.id)[1]
    service.delete_dataset(earlier.datasets[DatasetKind.SEGMENTS])
    page = read(publisher, f"/datalabs/{refreshed.id}/reports?run={earlier.run_id}")
    assert "This report can no longer be read" in page.text and "A required value is empty" in page.text


def test_an_admin_sees_what_is_shared_and_nothing_else(
    admin: TestClient, service: QuietService, validated: Validated
) -> None:
    shared, kept = validated(name="Shared", share_statistics=True), validated(name="Kept")
    page = read(admin, "/datalabs")
    assert "Shared" in page.text and "Kept" not in page.text and kept.id not in page.html
    assert publisher_words(service) & set(page.text.split()) == set()
    assert admin.get(f"/datalabs/{shared.id}").headers["location"] == f"/datalabs/{shared.id}/statistics"
    statistics = read(admin, f"/datalabs/{shared.id}/statistics")
    assert "Identifiers overview" in statistics.text and "identifiers.csv" not in statistics.html
    assert service.user not in statistics.html and "Compared with last time" not in statistics.text
    twin = admin.get(f"/datalabs/{shared.id}/statistics.json").json()
    assert twin["changes"] == [] and twin["lab"]["state"] is None
    status = admin.get(f"/datalabs/{shared.id}/files/validation-status.json").json()
    assert status["datasets"]["identifiers"] == {"status": "SUCCESS"}
    for address in ("files/comparison.json", "statistics?run=" + service.runs(kept.id)[0].run_id):
        assert admin.get(f"/datalabs/{kept.id}/{address}").status_code == 404
    assert admin.get(f"/datalabs/{shared.id}/files/comparison.json").status_code == 404
    for lab in (kept.id, "Kept", "no-such-lab"):
        assert admin.get(f"/datalabs/{lab}/statistics.json").json()["error"]["code"] == "LabNotFound"
    for address in ("/datasets", f"/datalabs/{shared.id}/history", f"/datalabs/{shared.id}/reports", "/datalabs/new"):
        assert admin.get(address).status_code == 403, address


def publisher_words(service: QuietService) -> set[str]:
    return {service.user, *(dataset.name for dataset in service.datasets())}


def test_without_a_result_statistics_say_what_is_missing(publisher: TestClient, empty_lab: LabInfo) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}/statistics")
    assert "No statistics for the datasets provisioned now" in page.text
    assert "No validation report" in read(publisher, f"/datalabs/{empty_lab.id}/reports").text


def test_a_result_without_a_dashboard_is_shown_with_the_reason(
    publisher: TestClient, admin: TestClient, service: QuietService, deployment: Deployment, validated: Validated
) -> None:
    lab = validated(share_statistics=True)
    run_id = service.validate(lab.id, again=True).run_id
    files = ("statistics.json", "validation-status.json")
    for name in files:
        deployment.folders.place(lab.id).write(result(run_id, name), service.result_file(lab.id, name).decode())
    service._registry.results.record(run_id, NewResult("SUCCESS", dict.fromkeys(files, ""), {}))
    service._registry.runs.fail(run_id, "No space left on device.")

    page = read(publisher, f"/datalabs/{lab.id}")
    assert "passed validation" in page.text and "The run failed after its verdict: No space left" in page.text
    for address in (f"/datalabs/{lab.id}", f"/datalabs/{lab.id}/statistics"):
        links = read(publisher, address).links
        assert f"/datalabs/{lab.id}/files/statistics.json" in links, address
        assert publisher.get(f"{address}.json").json()["result"]["runId"] == run_id
    assert f"/datalabs/{lab.id}/files/dashboard.html" not in read(publisher, f"/datalabs/{lab.id}").links
    assert "No space left on device." in read(publisher, f"/datalabs/{lab.id}/runs/{run_id}").text
    assert "Passed. No space left on device." in read(publisher, f"/datalabs/{lab.id}/history").text
    assert publisher.get(f"/datalabs/{lab.id}/files/dashboard.html").status_code == 404
    assert (
        read(admin, f"/datalabs/{lab.id}/statistics").text
        and admin.get(f"/api/shared/labs/{lab.id}/dashboard.html").status_code == 404
    )


def test_statistics_that_cannot_be_read_break_no_page(
    publisher: TestClient, service: QuietService, deployment: Deployment, app: FastAPI, validated: Validated
) -> None:
    del app
    lab = validated()
    run = service.validate(lab.id, again=True)
    for name in ("statistics.json", "validation-status.json"):
        deployment.folders.place(lab.id).write(result(run.run_id, name), '{"from": "another version"}')
    files = dict.fromkeys(("statistics.json", "validation-status.json"), "")
    service._registry.results.record(run.run_id, NewResult("SUCCESS", files, {}))
    service._registry.runs.finish(run.run_id)
    assert "These statistics cannot be shown" in read(publisher, f"/datalabs/{lab.id}/statistics").text
    assert "passed validation" in read(publisher, f"/datalabs/{lab.id}").text


def test_the_history_is_a_list_with_pages_and_filters(publisher: TestClient, refreshed: LabInfo) -> None:
    address = f"/datalabs/{refreshed.id}/history"
    every = publisher.get(f"{address}.json").json()
    first = publisher.get(f"{address}.json?size=2").json()
    assert first["entries"] == every["entries"][:2] and first["total"] == len(every["entries"])
    oldest = publisher.get(f"{address}.json?size=2&sort=created").json()
    assert oldest["entries"] == every["entries"][:-3:-1]
    runs = publisher.get(f"{address}.json?what=run").json()["entries"]
    assert runs == [entry for entry in every["entries"] if entry["what"] == "run"] and runs
    page = read(publisher, f"{address}?what=event&kind=segments&size=2")
    assert all(word not in page.text for word in ("Validation superseded", "Demographics provisioned"))
    passed = publisher.get(f"{address}.json?verdict=SUCCESS&results=2&size=1").json()
    assert [one["runId"] for one in passed["refreshes"]] == [every["refreshes"][1]["runId"]]
    assert "Nothing of this kind" in read(publisher, f"{address}?q=nothing+of+it").text
