"""Reads results of this package with the vendor's models, and prints as JSON where these find different values.

Run by the interpreter that has the vendor's package; the command line names the folder that `results` has written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from decentriq_platform.data_lab import ValidationReports, parse_statistics_result
from decentriq_platform.data_lab.api import IdentifiersValidationReport, ValidationReport

found: list[str] = []


def same(what: str, theirs: Any, ours: Any) -> None:
    if theirs != ours:
        found.append(f"{what}\n  theirs: {str(theirs)[:500]}\n  ours:   {str(ours)[:500]}")


labs = sorted(Path(sys.argv[1]).iterdir())
assert labs, "there are results"
for lab in labs:
    ours = json.loads((lab / "read.json").read_text())
    reports = {}
    for kind in ours["reports"]:
        model = IdentifiersValidationReport if kind == "identifiers" else ValidationReport
        reports[kind] = model.model_validate_json((lab / f"report-{kind}.json").read_bytes())
        same(f"{lab.name}: report of {kind}", reports[kind].model_dump(mode="json"), ours["reports"][kind])
        same(f"{lab.name}: report of {kind} again", model.model_validate(ours["reports"][kind]), reports[kind])
    same(f"{lab.name}: passed", ValidationReports(**reports).is_passed(), ours["passed"])
    statistics = parse_statistics_result((lab / "statistics.json").read_bytes())
    same(f"{lab.name}: statistics", statistics.model_dump(mode="json"), ours["statistics"])

json.dump(found, sys.stdout)
