"""Small counts stay with the publisher: no answer to a vendor's admin has one, whatever the publisher sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.dashboard.disclosure import ADMIN_MINIMUM, admin_minimum, shareable
from datalab.deployment import Deployment, addresses
from datalab.results.statistics import StatisticsResultV2
from datalab_dagster.portal.app import create_app
from tests.portal.clients import TestClient
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, url
from tests.portal.deployments import ADMIN, QuietService
from tests.portal.pages.conftest import CASES, FULL, Validated, admin, people, publisher, signed_in, validated
from tests.portal.pages.reading import read
from tests.unit.dashboard.pages import Page

__all__ = [
    "admin",
    "app",
    "database",
    "deployment",
    "people",
    "publisher",
    "quick_hashes",
    "registry",
    "server",
    "service",
    "url",
    "validated",
]

pytestmark = pytest.mark.attack

STATISTICS = sorted(CASES.glob("*/expected/statistics.json"))
NO_USERS = {"distinct_segments", "distinct_ages", "distinct_genders", "distinct_scopes", "distinct_id_names"} | {
    "minimum_count",
    "avg_userids_per_id",
    "relative",
}
"""Keys of numbers that count no user, id or row."""
TWIN = ("report", "headlines", "findings", "verdict", "changes")


def small(node: Any, path: str = "") -> Iterator[str]:
    """The places of all counts from 1 to 9."""
    if isinstance(node, dict):
        for key, child in node.items():
            if key not in NO_USERS:
                yield from small(child, f"{path}.{key}")
    elif isinstance(node, list):
        for child in node:
            yield from small(child, f"{path}[]")
    elif isinstance(node, int | float) and not isinstance(node, bool) and 0 < node < ADMIN_MINIMUM:
        yield f"{path}: {node}"


def small_in_words(finding: dict[str, Any]) -> list[str]:
    """The figures from 1 to 9 in a finding, without its limit, which is a setting, and without counts of categories."""
    if re.fullmatch("TOO_(FEW|MANY)_.*|SEGMENT_NAME_TOO_LONG", finding["code"]):
        return []
    message = finding["message"].partition(": ")[2].rpartition(" (")[0] if "message" in finding else ""
    figures = message or finding.get("title", "").partition(" (")[0].partition(";")[0]
    return [word for word in re.findall(r"[\d.,]+", figures) if word.isdigit() and 0 < int(word) < ADMIN_MINIMUM]


def test_the_minimum_of_the_settings_only_raises_that_of_admins() -> None:
    assert [admin_minimum(configured) for configured in (0, 9, 10, 50)] == [10, 10, 10, 50]


@pytest.mark.parametrize("file", STATISTICS, ids=lambda file: file.parent.parent.name)
def test_no_conformance_lab_discloses_a_small_count(file: Any) -> None:
    disclosed = shareable(StatisticsResultV2.model_validate_json(file.read_bytes()), ADMIN_MINIMUM, shared=True)
    assert not list(small(disclosed))
    for finding in [*disclosed["data_errors"], *disclosed["quality_warnings"]]:
        if re.search("below 10 are withheld", finding["message"]) is None:
            assert not small_in_words(finding), finding
    for distribution in distributions(disclosed):
        cells = [cell["absolute"] for cell in distribution.values()]
        hidden = [cell for cell in cells if isinstance(cell, str)]
        assert len(hidden) != 1 or len(cells) == 1, "the total minus the shown cells would be the hidden one"


def distributions(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    per_user = ((report["segment_statistics"] or {}).get("segments_per_user_distribution") or {}).values()
    for distribution in per_user:
        yield from (distribution["all_users"], distribution["matchable"])
    for name, group in (report["demographic_statistics"] or {}).items():
        if isinstance(group, dict):
            yield group if name == "all_users" else group["matchable"]


def test_every_answer_to_an_admin_hides_them_and_the_publishers_files_stay(
    admin: TestClient, publisher: TestClient, validated: Validated, service: QuietService
) -> None:
    lab = validated(share_statistics=True)
    own = service.result_file(lab.id, "statistics.json")
    assert list(small(json.loads(own))), "the case has small counts"
    assert publisher.get(f"/datalabs/{lab.id}/files/statistics.json").content == own
    assert list(small(publisher.get(f"/datalabs/{lab.id}/statistics.json").json()["report"]))

    for where in (f"/api/shared/labs/{lab.id}", f"/datalabs/{lab.id}/files"):
        assert not list(small(admin.get(f"{where}/statistics.json").json()))
        status = admin.get(f"{where}/validation-status.json").json()["statistics"]
        assert not list(small(status))
        assert not [w for kind in ("data_errors", "quality_warnings") for f in status[kind] for w in small_in_words(f)]
        page = admin.get(f"{where}/dashboard.html").text
        assert not list(small(Page(page).report)) and "made for sharing" in page
    twin = admin.get(f"/datalabs/{lab.id}/statistics.json").json()
    assert twin["report"]["minimum_count"] == ADMIN_MINIMUM and twin["changes"] == [] and twin["legacy"] is None
    assert not list(small({key: twin[key] for key in TWIN}))
    for figure in twin["headlines"]:
        assert figure["metric"].endswith(tuple(NO_USERS)) or not isinstance(figure["value"], int) or figure["value"] > 9
    assert "< 10" in read(admin, f"/datalabs/{lab.id}/statistics").text


def test_the_old_format_is_not_shared(admin: TestClient, deployment: Deployment, validated: Validated) -> None:
    lab = validated(share_statistics=True)
    run = deployment.registry.runs.history(lab.id)[0]
    legacy = (CASES / FULL / "expected" / "statistics-v1.json").read_text("utf-8")
    deployment.folders.place(lab.id).write(addresses.result(run.run_id, "statistics.json"), legacy)
    for name in ("statistics.json", "dashboard.html"):
        answer = admin.get(f"/api/shared/labs/{lab.id}/{name}")
        assert answer.status_code == 404 and "version 2" in answer.text
    assert admin.get(f"/datalabs/{lab.id}/statistics.json").json()["legacy"] is None
    assert admin.get(f"/api/shared/labs/{lab.id}/validation-status.json").status_code == 200


def test_a_larger_minimum_of_the_deployment_holds_for_admins(
    service: QuietService, people: None, validated: Validated
) -> None:
    lab = validated(share_statistics=True)
    app: FastAPI = create_app(service, minimum_count=50)
    report = signed_in(app, ADMIN).get(f"/datalabs/{lab.id}/statistics.json").json()["report"]
    assert report["minimum_count"] == 50 and "< 50" in json.dumps(report)
