"""CPU seconds of validation and preflight, as ratios to the floor, against the stored ones: a lost gain is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.baseline import SCALE, Least, stored, too_high
from benchmarks.labs import prepared_lab
from benchmarks.preflight import STANDARD

MOST_TURNS = 8


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", STANDARD)
def test_a_lab_takes_no_more_cpu_than_it_did(name: str, tmp_path: Path) -> None:
    """Turns until the least CPU seconds are within the margin: on a busy machine only some of them are undisturbed."""
    least = Least(prepared_lab(tmp_path, name, SCALE))
    for _ in range(MOST_TURNS):
        ratios = least.turn()
        if not too_high(ratios, stored()[name]):
            return
    pytest.fail(f"{ratios}, stored {stored()[name]}: `python -m benchmarks.baseline` measures them again")
