"""`datalab schedule`: what people see, and what the deployment was asked to do."""

from __future__ import annotations

import pytest

from datalab_dagster.service import LabInfo
from tests.cli.conftest import Datalab
from tests.fakes import MemoryService


def test_set_says_when_and_what_comes_next(service: MemoryService, datalab: Datalab, lab: LabInfo) -> None:
    ended = datalab("schedule", "set", "Spring", "0 2 * * mon-fri", "--timezone", "Europe/Berlin")
    assert (ended.code, ended.err) == (0, "")
    first, second = ended.out.splitlines()
    assert first == f"Lab {lab.id} (Spring) is validated at '0 2 * * mon-fri', Europe/Berlin."
    assert second.startswith("Next: 20") and second.endswith(" on this machine's clock.")
    found = service.schedules.of(lab.id)
    assert found and (found.cron, found.timezone, found.set_by) == ("0 2 * * mon-fri", "Europe/Berlin", service.user)


def test_set_without_a_zone_takes_that_of_the_settings(datalab: Datalab, lab: LabInfo) -> None:
    ended = datalab("schedule", "set", lab.id, "0 2 * * *", "--json")
    assert (ended.json["timezone"], ended.json["labId"], ended.json["lastAt"]) == ("UTC", lab.id, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("0 2 * * * *",), "must have five fields (minute, hour, day of the month, month, day of the week)"),
        (("0", "2"), "unexpected extra argument"),
        (("0 25 * * *",), "'25' is not an hour; write 0 to 23"),
        (("0 3 30 2 *",), "names a day that never comes"),
        (("0 2 * * *", "--timezone", "Berlin"), "'Berlin' is not a time zone"),
    ],
)
def test_bad_input_changes_nothing(
    service: MemoryService, datalab: Datalab, lab: LabInfo, words: tuple[str, ...], says: str
) -> None:
    ended = datalab("schedule", "set", lab.id, *words)
    assert ended.code == 2 and says in ended.err and "Traceback" not in ended.err
    assert service.schedules.of(lab.id) is None


def test_an_unknown_lab(datalab: Datalab, lab: LabInfo) -> None:
    for words in (("set", "Sprin", "0 2 * * *"), ("remove", "Sprin")):
        ended = datalab("schedule", *words)
        assert ended.code == 2 and "There is no lab 'Sprin'." in ended.err


def test_remove(service: MemoryService, datalab: Datalab, lab: LabInfo) -> None:
    datalab("schedule", "set", lab.id, "0 2 * * *")
    assert datalab("schedule", "remove", lab.id).out == f"Lab {lab.id} (Spring) has no schedule any more.\n"
    assert service.schedules.of(lab.id) is None
    assert "has no schedule; nothing was changed." in datalab("schedule", "remove", lab.id).out


def test_list_names_those_of_the_deployment_and_of_labs(datalab: Datalab, lab: LabInfo) -> None:
    datalab("schedule", "set", lab.id, "0 2 * * *")
    lines = datalab("schedule", "list").out.splitlines()
    [nightly] = [line for line in lines if line.strip().startswith("nightly")]
    assert "0 3 * * *" in nightly and " on " in nightly and "No lab is stale." in nightly
    [spring] = [line for line in lines if line.strip().startswith("Spring")]
    assert lab.id in spring and "0 2 * * *" in spring and "switched off" in spring
    listed = datalab("schedule", "list", "--json").json
    assert [(one["name"], one["labId"], one["isOn"]) for one in listed] == [
        ("nightly", None, True),
        ("lab_schedules", lab.id, False),
    ]
