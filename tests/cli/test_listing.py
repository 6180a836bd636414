"""What lists on the terminal have in common."""

from __future__ import annotations

import pytest
from rich.console import Console

from datalab.results.statistics import Finding
from datalab.results.status import DatasetStatus, StatisticsStatus, ValidationStatus
from datalab.statistics.causes import causes_of
from datalab.statistics.compare import Comparison
from datalab_dagster.cli.listing import print_causes, print_table
from datalab_dagster.terminal.safe_console import SafeConsole

EMPTY = Finding(code="EMPTY_DATASET", message="segments: 0 valid rows (at least 1 needed)")
INVALID = Finding(code="HIGH_INVALID_SHARE", message="segments: 1500 of 20000 rows are invalid (limit 0.05)")
DROPS = [
    Finding(code="HEADLINE_DROP", message=f"{metric}: from 9 to 0, -100.0% (limit -20.0%)")
    for metric in ("demographics.valid_rows", "demographics.distinct_ages")
]


def printed(capsys: pytest.CaptureFixture[str], status: ValidationStatus, drops: list[Finding]) -> list[str]:
    print_causes(Console(width=160), causes_of(status, comparison=Comparison(changes=[], warnings=drops)))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_the_figures_of_a_finding_are_written_as_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    block = StatisticsStatus(status="SUCCESS", quality_warnings=[INVALID])
    lines = printed(capsys, ValidationStatus(status="SUCCESS", datasets={}, statistics=block), [])
    assert lines[1:] == [
        "  warning HIGH_INVALID_SHARE: 1,500 of 20,000 rows in Segments are invalid (7.5%; up to 5% is usual)."
    ]


def test_a_finding_is_printed_once_with_what_follows_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    own = DatasetStatus(status="FAILED", errors=[EMPTY], valid_rows=0, invalid_rows=1500)
    block = StatisticsStatus(status="FAILED", data_errors=[EMPTY], quality_warnings=[INVALID])
    lines = printed(capsys, ValidationStatus(status="FAILED", datasets={"segments": own}, statistics=block), DROPS)
    assert lines == [
        "Findings",
        "  error EMPTY_DATASET: Segments has no valid row.",
        "    follows: HIGH_INVALID_SHARE: 1,500 of 20,000 rows in Segments are invalid (7.5%; up to 5% is usual).",
        "  drop 2 numbers of Demographics fell since last time.",
        "    HEADLINE_DROP: Valid rows (Demographics) fell from 9 to 0 (−100.0%).",
        "    HEADLINE_DROP: Distinct ages (Demographics) fell from 9 to 0 (−100.0%).",
    ]


def test_the_id_of_a_lab_is_never_folded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lab = "0f7e4c1a-3f0b-4c53-9d5e-6a1b2c3d4e5f"
    monkeypatch.setattr("datalab_dagster.cli.listing.console_for_text", lambda: SafeConsole(width=60))
    print_table(
        ("lab", "name", "state", "owners"), [(lab, "Sports and news, autumn", "Ready", "pat@publisher.example")]
    )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3 and [lab in line for line in lines].count(True) == 1
