"""Matchable users with an id of their own, as `results` and `report` print them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datalab.results.files import MATCHABLE_USERS
from datalab_dagster.service import LabInfo
from tests.cli.conftest import Datalab
from tests.cli.test_validations import CASE, FILES
from tests.fakes import MemoryService

COUNTS = {"hashed_email": {"matchable_users": 1234, "users_with_own_id": 1111}}
LINE = "Matchable by hashed_email: 1,234 users; 1,111 with an id of their own"


def finish(service: MemoryService, lab: LabInfo, more: dict[str, Any]) -> None:
    service.end_run(service.validate(lab.id).run_id, "SUCCESS", {**FILES, **more})


def test_results_and_report_print_them(
    service: MemoryService, datalab: Datalab, full_lab: LabInfo, tmp_path: Path
) -> None:
    finish(service, full_lab, {MATCHABLE_USERS.name: COUNTS})
    assert LINE in datalab("results", full_lab.id, "--out", "out").out.splitlines()
    assert json.loads((tmp_path / "out" / MATCHABLE_USERS.name).read_bytes()) == COUNTS
    printed = datalab("report", full_lab.id).out
    [row] = [line.split() for line in printed.splitlines() if "1,111" in line]
    assert row == ["hashed_email", "1,234", "1,111", "90.0%"]
    assert datalab("report", "out").out == printed


def test_a_result_of_an_earlier_version_has_none(service: MemoryService, datalab: Datalab, full_lab: LabInfo) -> None:
    finish(service, full_lab, {})
    for command in (("results", full_lab.id), ("report", full_lab.id), ("report", str(CASE))):
        ended = datalab(*command)
        assert ended.code == 0 and "of their own" not in ended.out and "no other user" not in ended.out
