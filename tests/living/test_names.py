"""Results and validations of an earlier version, which withheld no name and did not look for broken quotes."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from datalab.deployment import Deployment, addresses
from datalab.registry import Lab, LabState
from datalab.registry.models import ResultRow
from datalab.results.files import DASHBOARD, STATISTICS, VALIDATION_STATUS
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.service.errors import NamesUnchecked
from datalab_dagster.service.local import LocalService
from tests.living.conftest import FILES, SEGMENTS, Living, segments
from tests.unit.registry.conftest import ME

RIGHT = "Sports, outdoor\nHiking, climbing"
WITH_LINE_BREAK = {**FILES, SEGMENTS: segments(12) + f'u1,"{RIGHT}"\n'}


def validated(living: Living, files: dict[addresses.DatasetKind, str]) -> Lab:
    lab = living.lab(collaborationTypes=["OVERLAP", "INSIGHTS"])
    living.provision(lab, files)
    (request,) = living.tick()
    assert living.execute(request).success
    return lab


def of_an_earlier_version(deployment: Deployment, lab: Lab) -> None:
    """Make the current result look as if an earlier version had made it and validated the segments."""
    with deployment.registry.database.write() as session:
        session.execute(update(ResultRow).values(names_checked=False))
    current = deployment.registry.results.current(lab.id)
    assert current is not None
    place = deployment.folders.place(lab.id)
    address = addresses.validated(SEGMENTS, current.datasets[SEGMENTS], addresses.SUMMARY)
    summary = json.loads(place.read(address))
    del summary["facts"]["broken_quote"]
    place.write(address, json.dumps(summary))
    deployment.registry.validated.remove(lab.id, SEGMENTS, current.datasets[SEGMENTS])  # as migration 0015 leaves it


def test_a_name_that_holds_user_ids_is_withheld_and_the_lab_is_not_ready(living: Living) -> None:
    lab = validated(living, {**FILES, SEGMENTS: segments(12) + 'u1,"open\nu2,tea\n'})
    service = LocalService(living.deployment, ME)
    for name in (STATISTICS.name, VALIDATION_STATUS.name, DASHBOARD.name):
        assert b"u2,tea" not in service.result_file(lab.id, name)
    assert "withheld-1" in service.result_file(lab.id, STATISTICS.name).decode()
    assert living.state(lab) is LabState.FAILED


def test_files_of_an_earlier_version_are_shown_unless_ids_may_be_among_their_names(living: Living) -> None:
    service = LocalService(living.deployment, ME)
    harmless, other = validated(living, FILES), validated(living, WITH_LINE_BREAK)
    assert (
        RIGHT
        in json.loads(service.result_file(other.id, STATISTICS.name))["segment_statistics"]["segment_user_counts"][
            "userId"
        ]
    )
    for lab in (harmless, other):
        of_an_earlier_version(living.deployment, lab)
    assert b"s1" in service.result_file(harmless.id, STATISTICS.name)
    assert b"SUCCESS" in service.result_file(other.id, VALIDATION_STATUS.name)
    for name in (STATISTICS.name, DASHBOARD.name):
        with pytest.raises(NamesUnchecked, match=r"datalab validate .* --again"):
            service.result_file(other.id, name)


def test_a_validation_that_did_not_look_for_broken_quotes_is_made_again(living: Living) -> None:
    lab = validated(living, WITH_LINE_BREAK)
    deployment = living.deployment
    now = {key.to_user_string() for key in assets_to_run(deployment, lab, ())}
    assert "valid_segments" not in now and "statistics_report" in now
    of_an_earlier_version(deployment, lab)
    later = {key.to_user_string() for key in assets_to_run(deployment, lab, ())}
    assert {"valid_segments", "statistics_report"} <= later and "valid_identifiers" not in later
