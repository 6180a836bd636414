"""Changes over the portal: the run starts at once, where the sensor would look seconds later, and only one does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from datalab.home.settings import Automation
from datalab.kinds import DatasetKind
from datalab.registry import Lab, changes_by_lab
from datalab_dagster.graph import access
from datalab_dagster.graph.runs import start
from datalab_dagster.service.local import LocalService
from tests.living.conftest import FILES, IDENTIFIERS, ME, SEGMENTS, Living
from tests.living.test_sensors import up_runs


@pytest.fixture
def service(living: Living, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalService]:
    """A service that has loaded what starts a run, as the portal has, while `up` runs."""
    living.deployment.home.mkdir(exist_ok=True)
    service = LocalService(living.deployment, ME, os.environ)
    monkeypatch.setattr(access.DagsterAccess, "instance", living.instance)
    monkeypatch.setattr(access.DagsterAccess, "is_switched_off", lambda *_: False)
    monkeypatch.setenv("DATALAB_UP", "1")
    service._runs._starter = ThreadPoolExecutor(1)
    with up_runs(living.deployment.home):
        yield service


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[DatasetKind]]]:
    """The runs that were started, and what they validate, in place of processes."""
    runs: list[tuple[str, set[DatasetKind]]] = []
    monkeypatch.setattr(start, "launch_run", lambda *given, changed, **_: runs.append((given[3].run_id, set(changed))))
    return runs


def change(living: Living, service: LocalService, lab: Lab, **files: str) -> None:
    service.change(lab.id, {DatasetKind(kind): living.upload(text) for kind, text in files.items()})
    assert service._runs._starter is not None
    service._runs._starter.submit(lambda: None).result()


def causes(living: Living, lab: Lab) -> list[str]:
    return [run.cause for run in living.deployment.registry.runs.history(lab.id)]


def test_a_complete_lab_has_its_run_and_the_sensor_requests_none(
    living: Living, service: LocalService, launched: list[Any]
) -> None:
    lab = living.lab()
    change(living, service, lab, identifiers=FILES[IDENTIFIERS])
    assert launched == [], "it waits for segments"
    change(living, service, lab, segments=FILES[SEGMENTS])
    assert [kinds for _, kinds in launched] == [{DatasetKind.SEGMENTS}]
    assert causes(living, lab) == [f"automatic, after {ME} provisioned Segments"]
    assert living.tick() == []


def test_what_the_sensor_was_asked_for_first_is_left_to_it(
    living: Living, service: LocalService, launched: list[Any]
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    (change,) = changes_by_lab(living.deployment.registry.provisioning.events(lab.id))
    service._runs.answer(lab, change)
    assert service._runs._starter is not None
    service._runs._starter.submit(lambda: None).result()
    assert launched == [] and living.execute(request).success


@pytest.mark.parametrize("why", ["sensor off", "conditions", "not loaded"])
def test_it_is_not_started_where_the_sensor_would_not_or_the_code_is_not_loaded(
    living: Living, service: LocalService, launched: list[Any], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "sensor off":
        monkeypatch.setattr(access.DagsterAccess, "is_switched_off", lambda *_: True)
    if why == "conditions":
        settings = living.deployment.settings.model_copy(update={"automation": Automation.CONDITIONS})
        monkeypatch.setattr(living.deployment, "settings", settings)
    lab = living.lab()
    if why == "not loaded":
        service._runs._starter = None
        service.change(lab.id, {kind: living.upload(text) for kind, text in FILES.items()})
    else:
        change(living, service, lab, **{kind.value: text for kind, text in FILES.items()})
    assert launched == [] and causes(living, lab) == []


def test_a_run_that_could_not_be_started_is_requested_by_the_sensor(
    living: Living, service: LocalService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(deployment: Any, instance: Any, lab: Any, run: Any, **_: Any) -> None:
        deployment.registry.runs.fail(run.run_id, "No room.")
        deployment.registry.claims.release(run.run_id)
        raise OSError("no room")

    monkeypatch.setattr(start, "launch_run", fails)
    lab = living.lab()
    change(living, service, lab, **{kind.value: text for kind, text in FILES.items()})
    assert "left to the sensor: OSError" in caplog.text
    (request,) = living.tick()
    assert living.execute(request).success
