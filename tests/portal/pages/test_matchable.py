"""Matchable users with an id of their own on the pages of a lab: publisher, the vendor's admin, old results."""

from __future__ import annotations

import json

import pytest

from datalab.deployment import Deployment, addresses
from datalab.results.files import MATCHABLE_USERS
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import read

OWN = "with an id of their own"


@pytest.fixture
def counted(service: QuietService, deployment: Deployment, validated: Validated) -> LabInfo:
    """A shared lab whose result has the file, with a small count."""
    lab = validated(share_statistics=True)
    [result] = service.results(lab.id)
    matching = [entry.id_name for entry in lab.definition.matching_ids]
    counts = {name: {"matchable_users": 1234, "users_with_own_id": 7} for name in matching}
    address = addresses.result(result.run_id, MATCHABLE_USERS.name)
    deployment.folders.place(lab.id).write(address, json.dumps(counts))
    service._registry.results.add_file(result.run_id, MATCHABLE_USERS, "")
    return service.lab(lab.id)


def test_publishers_see_both_numbers_and_get_the_file(publisher: TestClient, counted: LabInfo) -> None:
    name = counted.definition.matching_ids[0].id_name
    for address in (f"/datalabs/{counted.id}", f"/datalabs/{counted.id}/statistics"):
        assert f"7 {OWN}" in read(publisher, address).text, address
    twin = publisher.get(f"/datalabs/{counted.id}/statistics.json").json()
    assert twin["matchableUsers"][name] == {"matchable_users": 1234, "users_with_own_id": 7}
    assert OWN not in json.dumps(twin["report"])
    for file in (f"/datalabs/{counted.id}/files", f"/api/labs/{counted.id}/results/current/files"):
        assert publisher.get(f"{file}/{MATCHABLE_USERS.name}").json() == twin["matchableUsers"]


def test_admins_get_no_small_count(admin: TestClient, counted: LabInfo) -> None:
    name = counted.definition.matching_ids[0].id_name
    twin = admin.get(f"/datalabs/{counted.id}/statistics.json").json()
    assert twin["matchableUsers"][name]["users_with_own_id"] == "< 10"
    assert f"< 10 {OWN}" in read(admin, f"/datalabs/{counted.id}/statistics").text
    for where in (f"/api/shared/labs/{counted.id}", f"/datalabs/{counted.id}/files"):
        assert admin.get(f"{where}/{MATCHABLE_USERS.name}").json() == twin["matchableUsers"]
        page = admin.get(f"{where}/dashboard.html").text
        assert f"&lt; 10 {OWN}" in page and f"7 {OWN}" not in page


def test_a_result_of_an_earlier_version_shows_nothing(
    publisher: TestClient, admin: TestClient, validated: Validated
) -> None:
    lab = validated(share_statistics=True)
    for client in (publisher, admin):
        assert OWN not in read(client, f"/datalabs/{lab.id}/statistics").text
        assert client.get(f"/datalabs/{lab.id}/statistics.json").json()["matchableUsers"] == {}
        assert client.get(f"/datalabs/{lab.id}/files/{MATCHABLE_USERS.name}").status_code == 404
    assert admin.get(f"/api/shared/labs/{lab.id}/{MATCHABLE_USERS.name}").status_code == 404
    assert OWN not in admin.get(f"/api/shared/labs/{lab.id}/dashboard.html").text
