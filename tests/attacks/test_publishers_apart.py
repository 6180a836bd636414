"""Against a running deployment: one publisher tries what they can with the lab and the dataset of another."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import KeyRole, LabState
from datalab.registry.accounts import Role
from datalab.registry.errors import KeyAccessDenied, LabNotYours
from datalab_dagster.service import LabInfo, RunState
from datalab_dagster.service.http import HttpService
from tests.attacks.addresses import portal_url
from tests.attacks.files import open_to_others
from tests.labs import MATCHED_USER_ID, make_lab
from tests.living.world import ME, PATIENCE, World
from tests.up.processes import within

pytestmark = [pytest.mark.attack, pytest.mark.long]

OTTO = "otto@other.example"
IDENTIFIERS, *_ = DatasetKind


@pytest.fixture(scope="module")
def lab(world: World) -> LabInfo:
    """A Ready lab of the first publisher, validated by the sensor of the deployment."""
    for email in (ME, OTTO):
        world.service.accounts.add(email, Role.PUBLISHER)
    lab = world.new_lab()
    assert world.becomes(lab, LabState.READY), world.told(lab)
    return world.service.lab(lab.id)


@pytest.fixture(scope="module")
def otto(world: World, lab: LabInfo) -> Iterator[HttpService]:
    """The other publisher, with a token, over HTTP."""
    _, token = world.service.accounts.create_token(OTTO, "test", lifetime=timedelta(hours=1))
    with HttpService(portal_url(world), token) as service:
        yield service


def test_the_lab_and_the_dataset_of_another_publisher(world: World, lab: LabInfo, otto: HttpService) -> None:
    dataset = lab.slots[0].manifest_hash
    own = otto.create_lab(make_lab(MATCHED_USER_ID, name="Ottos", numIdentifiersColumns=1))
    run = world.service.runs(lab.id)[0].run_id
    on_the_lab: list[Callable[[], object]] = [
        lambda: otto.lab(lab.id),
        lambda: otto.lab(lab.name),
        lambda: otto.events(lab.id),
        lambda: otto.runs(lab.id),
        lambda: otto.run(run),
        lambda: otto.results(lab.id),
        lambda: otto.current_result(lab.id),
        lambda: otto.result_file(lab.id, "statistics.json"),
        lambda: otto.validation_report(lab.id, IDENTIFIERS),
        lambda: otto.validate(lab.id, again=True),
        lambda: otto.cancel_run(run),
        lambda: otto.change(lab.id, {IDENTIFIERS: None}),
        lambda: otto.set_lab_owners(lab.id, [OTTO]),
        lambda: otto.delete_lab(lab.id),
    ]
    on_the_dataset: list[Callable[[], object]] = [
        lambda: otto.change(own.id, {IDENTIFIERS: dataset}),
        lambda: otto.download_dataset(dataset),
        lambda: otto.dataset_key(dataset),
        lambda: otto.key_access(dataset),
        lambda: otto.set_key_access(dataset, {}),
        lambda: otto.delete_dataset(dataset),
        lambda: otto.delete_dataset(dataset, force=True),
    ]
    for attempt in on_the_lab:
        with pytest.raises(LabNotYours, match=ME):
            attempt()
    for attempt in on_the_dataset:
        with pytest.raises(KeyAccessDenied, match=ME):
            attempt()
    assert [(one.id, one.state, one.owners) for one in otto.other_labs()] == [(lab.id, LabState.READY, [ME])]
    assert [one.id for one in otto.labs()] == [own.id] and not otto.lab(own.id).slots
    assert world.service.lab(lab.id) == lab, "nothing has changed"


def test_a_listed_publisher_validates_it_in_a_lab_of_their_own(world: World, lab: LabInfo, otto: HttpService) -> None:
    dataset = world.service.upload_dataset(io.BytesIO(b"u1\nu2\n"), "shared.csv").manifest_hash
    world.service.set_key_access(dataset, {ME: KeyRole.OWNER, OTTO: KeyRole.USER})
    own = otto.create_lab(make_lab(MATCHED_USER_ID, name="Of both", numIdentifiersColumns=1))
    otto.change(own.id, {IDENTIFIERS: dataset})
    assert within(PATIENCE, lambda: otto.lab(own.id).state.state in (LabState.READY, LabState.FAILED))
    assert b'"numRowsTotal"' in otto.validation_report(own.id, IDENTIFIERS)
    with pytest.raises(LabNotYours):
        world.service.validation_report(own.id, IDENTIFIERS)
    world.service.set_key_access(dataset, {ME: KeyRole.OWNER})
    with pytest.raises(KeyAccessDenied):
        otto.validation_report(own.id, IDENTIFIERS)
    assert otto.validate(own.id, again=True).state is RunState.STARTED, "the deployment still reads what is provisioned"
    assert within(PATIENCE, lambda: otto.runs(own.id)[0].state is RunState.FINISHED)


def test_after_all_this_no_file_of_the_home_is_open(world: World, lab: LabInfo) -> None:
    """The deployment was started under an open umask; this process, which has the service in itself, has its own."""
    assert not open_to_others(world.data_home)
