"""What lists on the terminal have in common."""

from __future__ import annotations

import pytest
from rich.console import Console

from datalab.results.statistics import Finding
from datalab_dagster.cli.listing import WARNING, print_findings


def test_the_figures_of_a_finding_are_written_as_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    message = "crm 2026: 1500 of 20000 rows are invalid (limit 0.05)"
    print_findings(Console(width=160), [(WARNING, [Finding(code="HIGH_INVALID_SHARE", message=message)])])
    text = capsys.readouterr().out
    assert "warning HIGH_INVALID_SHARE: crm 2026: 1,500 of 20,000 rows are invalid (limit 5%)" in text
