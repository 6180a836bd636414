"""The same content again in a drop zone: it is stored once, nothing is validated again, and the history says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from datalab.registry import Event, KeyRole, Lab, LabState
from datalab.registry.accounts import Role
from datalab_dagster.cli.lab_view import print_events
from datalab_dagster.portal.pages.texts import done_to
from datalab_dagster.service.models import EventInfo
from tests.living.conftest import ME, SEGMENTS, Living, living, segments, server, url
from tests.living.test_drop_zones import Looker, lab, looker, zone

__all__ = ["lab", "living", "looker", "server", "url", "zone"]

YOU = "you@publisher.example"


def appears(looker: Looker, zone: Path, name: str, text: str) -> Event:
    """The event of a new file that the zone takes."""
    (zone / name).write_text(text)
    looker()
    (file,) = looker()
    assert looker.take(file)
    assert looker() == [], "it is known as taken"
    owner = looker.living.deployment.registry.labs.all()[0]
    return looker.living.deployment.registry.provisioning.events(owner.id)[-1]


def stored(living: Living) -> list[str]:
    """The names of the stored segments."""
    return [one.name for one in living.deployment.registry.datasets.all() if one.name != "file.csv"]


def validated(living: Living) -> int:
    """How many runs the sensor asks for; they are executed."""
    requests = living.tick()
    assert all(living.execute(request).success for request in requests)
    return len(requests)


def test_the_content_of_the_slot_changes_nothing(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    first = appears(looker, zone, "segments-1.csv", segments(12))
    assert validated(living) == 1 and living.state(lab) is LabState.READY
    again = appears(looker, zone, "segments-2.csv", segments(12))
    assert again.sequence > first.sequence and again.manifest_hash == again.replaced == first.manifest_hash
    assert again.cause == "file segments-2.csv appeared, with the same content as before"
    assert stored(living) == ["segments-1.csv"]
    assert living.state(lab) is LabState.READY and validated(living) == 0
    looker.cursor = None  # a daemon that restarts
    assert (looker(), looker()) == ([], [])


def test_expected_numbers_stay_with_the_content(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    appears(looker, zone, "segments-1.csv", segments(12))
    provisioning = living.deployment.registry.provisioning
    provisioning.expect(lab.id, {SEGMENTS: {"rows": 12}})
    again = appears(looker, zone, "segments-2.csv", segments(12))
    slot = provisioning.current(lab.id)[SEGMENTS]
    assert slot.expected == {"rows": 12} and slot.sequence == again.sequence
    appears(looker, zone, "segments-3.csv", segments(13))
    assert provisioning.current(lab.id)[SEGMENTS].expected is None


def test_an_earlier_content_comes_back_with_its_result(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    first = appears(looker, zone, "segments-1.csv", segments(12))
    assert validated(living) == 1
    appears(looker, zone, "segments-2.csv", segments(14))
    assert validated(living) == 1
    back = appears(looker, zone, "segments-3.csv", segments(12))
    assert back.manifest_hash == first.manifest_hash
    assert back.cause == "file segments-3.csv appeared, with the content of segments-1.csv"
    assert stored(living) == ["segments-1.csv", "segments-2.csv"]
    assert living.state(lab) is LabState.READY and validated(living) == 0


@pytest.mark.parametrize("access", [{YOU: KeyRole.OWNER, ME: KeyRole.USER}, {YOU: KeyRole.OWNER}])
def test_a_dataset_of_others_is_not_used(
    living: Living, lab: Lab, zone: Path, looker: Looker, access: dict[str, KeyRole]
) -> None:
    """Its owner would see that a lab uses it, and so what the zone has taken."""
    deployment = living.deployment
    for email in (ME, YOU):
        deployment.registry.accounts.add(email, Role.PUBLISHER, by="root")
    (zone / "segments-1.csv").write_text(segments(12))
    with (zone / "segments-1.csv").open("rb") as source:
        theirs = deployment.datasets.upload(source, "theirs.csv", by=YOU, access=access).manifest_hash
    taken = appears(looker, zone, "segments-1.csv", segments(12))
    assert taken.manifest_hash != theirs and taken.cause == "file segments-1.csv appeared"
    assert stored(living) == ["theirs.csv", "segments-1.csv"]


def test_a_run_that_was_killed_before_it_provisioned_leaves_no_second_copy(
    living: Living, lab: Lab, zone: Path, looker: Looker
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        (zone / "segments-1.csv").write_text(segments(12))
        looker()
        (file,) = looker()
        patched.setattr("datalab_dagster.graph.drop_zones._provision", lambda *arguments: 1 / 0)
        assert not looker.take(file)
    assert stored(living) == ["segments-1.csv"]
    assert looker.take(file) and stored(living) == ["segments-1.csv"]
    assert len(living.deployment.registry.provisioning.events(lab.id)) == 2


def test_the_history_says_that_nothing_was_replaced(
    living: Living, lab: Lab, zone: Path, looker: Looker, capsys: pytest.CaptureFixture[str]
) -> None:
    appears(looker, zone, "segments-1.csv", segments(12))
    again = appears(looker, zone, "segments-2.csv", segments(12))
    info = EventInfo.model_validate({**dataclasses.asdict(again), "action": again.action})
    assert done_to(info) == "confirmed"
    print_events([info])
    assert "confirmed" in capsys.readouterr().out
