"""Programs of a vendor's admin, with the same SDK as the publishers': they get what labs share, and no small count."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datalab.dashboard.disclosure import ADMIN_MINIMUM
from datalab.deployment import Deployment, addresses
from datalab.errors import DatalabError
from datalab.registry import Registry
from datalab_dagster.api import NotFoundError
from datalab_dagster.archv2.errors import JobFailed, JobNotCreated, LabUnknown
from datalab_dagster.client import Client
from datalab_dagster.data_lab import (
    DataLabBuilder,
    DataLabStatisticsJob,
    DataLabValidationReportsJob,
    StatisticsResultV2,
)
from datalab_dagster.data_lab.check_data_lab_type import DataLabType, get_data_lab_type
from datalab_dagster.data_lab.compute_job import DataLabEnhancedValidationStatusJob
from datalab_dagster.data_lab.data_lab import DataLab
from datalab_dagster.service import NotPermitted
from datalab_dagster.service.http import HttpService
from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabDatasetType, DataLabListFilter
from tests.attacks.test_small_counts import STATISTICS, small, small_in_words
from tests.portal.clients import HERE
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, tokens, url
from tests.portal.deployments import ADMIN, PUBLISHER, VIEWER, QuietService
from tests.portal.pages.conftest import CASES, FULL, Validated, validated
from tests.service.conftest import Wire, wire

__all__ = [
    "app",
    "database",
    "deployment",
    "quick_hashes",
    "registry",
    "server",
    "service",
    "tokens",
    "url",
    "validated",
    "wire",
]

pytestmark = pytest.mark.attack

MATCH = DataLabDatasetType.MATCH


@pytest.fixture
def connect(wire: Wire, tokens: dict[str, str]) -> Iterator[Callable[[str], Client]]:
    """Opens the deployment over HTTP for a user."""
    opened: list[Client] = []

    def open_for(user: str) -> Client:
        opened.append(Client(HttpService(HERE, tokens[user], transport=wire)))
        return opened[-1]

    yield open_for
    for client in opened:
        client.close()


@pytest.fixture
def admin(connect: Callable[[str], Client]) -> Client:
    return connect(ADMIN)


def opened_lab(client: Client, lab: str) -> DataLab:
    return DataLabBuilder(client).from_existing(lab).build()


def test_an_admin_reads_statistics_and_verdicts_with_the_calls_of_the_publishers(
    admin: Client, connect: Callable[[str], Client], validated: Validated, service: QuietService
) -> None:
    info = validated(share_statistics=True, name="Shared")
    lab = opened_lab(admin, info.id)
    report = lab.get_statistics_report(timeout=10)
    assert isinstance(report, dict) and report["minimum_count"] == ADMIN_MINIMUM
    assert f"< {ADMIN_MINIMUM}" in json.dumps(report) and not list(small(report))

    job = DataLabStatisticsJob(info.id, admin)
    job.run()
    assert job.is_complete() and job.wait_for_completion().result() == report
    assert json.loads(job.get_result()) == report
    assert json.loads(admin.get_data_lab(info.id)["statistics"] or "") == report

    status = lab.get_validation_status()
    assert set(status) == {"status", "datasets"} and set(status["datasets"]["segments"]) == {"status"}
    enhanced = lab.get_enhanced_validation_status()
    assert not list(small(enhanced)) and set(enhanced["datasets"]["segments"]) == {"status"}
    findings = [f for kind in ("data_errors", "quality_warnings") for f in enhanced["statistics"][kind]]
    assert not [word for finding in findings for word in small_in_words(finding)]

    own = opened_lab(connect(PUBLISHER), info.id)
    assert (
        own.get_statistics_report()
        == StatisticsResultV2.model_validate_json(service.result_file(info.id, "statistics.json")).model_dump()
    ), "the publisher's call does not change"
    own_job = DataLabStatisticsJob(info.id, connect(PUBLISHER))
    own_job.run()
    assert isinstance(own_job.result(), StatisticsResultV2)


def test_an_admin_finds_the_labs_that_share_and_no_others(
    admin: Client, validated: Validated, service: QuietService
) -> None:
    info = validated(share_statistics=True, name="Shared")
    hidden = validated(name="Private")
    empty = service.create_lab(info.definition.model_copy(update={"name": "Empty"}))
    assert [lab["id"] for lab in admin.list_data_labs_v2()] == [info.id, empty.id]
    assert [lab["id"] for lab in admin.list_data_labs(DataLabListFilter.VALIDATED)] == [info.id]
    assert [lab["id"] for lab in admin.list_data_labs(DataLabListFilter.UNVALIDATED)] == [empty.id]
    lab = opened_lab(admin, "Shared")
    assert (lab.id, lab.cfg.name, lab.is_statistics_shared_with_dq()) == (info.id, "Shared", True)
    assert get_data_lab_type(admin, info.id) is DataLabType.ARCHV2
    assert DataLab.is_data_lab_validated(admin.client_v2, info.id, b"")
    assert not DataLab.is_data_lab_validated(admin.client_v2, empty.id, b"")
    assert "SUCCESS" in lab._repr_html_() or "FAILED" in lab._repr_html_()
    seen = json.dumps([lab.get(), admin.get_data_lab(info.id), admin.client_v2.get_data_room_actions(info.id)])
    assert PUBLISHER not in seen, "who owns it is not shown"
    assert not [slot.manifest_hash for slot in info.slots if slot.manifest_hash in seen]
    for name in (hidden.id, "Private", "no-such-lab"):
        for call in (lambda name=name: opened_lab(admin, name), lambda name=name: admin.get_data_lab(name)):
            with pytest.raises(LabUnknown) as refused:
                call()
            assert str(refused.value) == f"Data lab with id {name} not found", "not whether it exists"
    with pytest.raises(JobNotCreated, match=r"404 .*provisioned now"):
        opened_lab(admin, empty.id).get_statistics_report()


def test_whatever_is_private_or_a_change_stays_refused(
    admin: Client, connect: Callable[[str], Client], validated: Validated
) -> None:
    info = validated(share_statistics=True, name="Shared")
    private = validated(name="Private")
    dataset = info.slots[0].manifest_hash
    lab = opened_lab(admin, info.id)
    reports = DataLabValidationReportsJob(info.id, admin)
    reports.run()
    calls: list[Callable[[], Any]] = [
        lambda: lab.get_validation_report(timeout=5),
        lambda: reports.wait_for_completion().result(),
        lambda: lab.run(again=True),
        lambda: admin.client_v2.create_job(info.id, {"kind": "dataLab", "computeStatistics": {}}, mode="always"),
        lambda: lab.info,
        lambda: lab.policy_ids,
        lambda: lab.provision_dataset(dataset, Key(), MATCH),
        lambda: lab.deprovision_dataset(MATCH),
        lambda: admin.client_v2.delete_data_lab(info.id),
        lambda: admin.client_v2.get_data_room_policies(info.id, ["x"]),
        lambda: admin.upload_dataset(io.BytesIO(b"x"), Key(), "x"),
        lambda: admin.get_dataset(dataset),
        lambda: admin.get_dataset_key(dataset),
        lambda: admin.download_dataset(dataset, Key()),
        lambda: admin.delete_dataset(dataset),
        lambda: admin.get_available_datasets(),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(DatalabError) as refused:
            call()
        reasons = [refused.value, refused.value.__cause__]
        assert any(isinstance(reason, NotPermitted) for reason in reasons), (number, refused.value)
    with pytest.raises(NotFoundError):
        admin.client_v2.get_job(private.id)
    for stranger in (VIEWER, PUBLISHER):
        assert connect(stranger).service.shared_labs is None, "they read the numbers, with the calls for them"


def test_no_conformance_lab_discloses_a_small_count_to_a_program(
    admin: Client, deployment: Deployment, validated: Validated
) -> None:
    info = validated(share_statistics=True)
    place = deployment.folders.place(info.id)
    address = addresses.result(deployment.registry.runs.history(info.id)[0].run_id, "statistics.json")
    job = DataLabStatisticsJob(info.id, admin)
    job.run()
    for file in STATISTICS:
        place.write(address, file.read_text("utf-8"))
        found = job.result()
        assert isinstance(found, dict)
        assert not list(small(found)), file
        findings = [f for kind in ("data_errors", "quality_warnings") for f in found[kind]]
        assert not [f for f in findings if "are withheld" not in f["message"] and small_in_words(f)], file
    place.write(address, (CASES / FULL / "expected" / "statistics-v1.json").read_text("utf-8"))
    assert admin.get_data_lab(info.id)["statistics"] is None
    with pytest.raises(JobFailed, match="version 2"):
        opened_lab(admin, info.id).get_statistics_report()


def test_a_role_that_was_taken_away_ends_it(admin: Client, validated: Validated, registry: Registry) -> None:
    info = validated(share_statistics=True)
    job = DataLabEnhancedValidationStatusJob(info.id, admin)
    job.run()
    registry.accounts.delete(ADMIN, by="test")
    with pytest.raises(NotPermitted):
        job.result()
