"""A file of nothing but failing rows costs little more than a clean one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab.kinds import DatasetKind
from datalab.validation.stream import validate
from tests.labs import HASH, USER_ID, make_lab

Line = Callable[[int], str]

ROWS = 60_000
MOST = 4
"""Times; 1.1 to 2.3 were measured, and 6.7 for embeddings when cells that are no numbers were converted one by one."""
LINES: dict[DatasetKind, tuple[Line, Line]] = {
    DatasetKind.IDENTIFIERS: (lambda row: f"u{row},hem,{row:064x}", lambda row: f"u{row},hem,{row:063x}G"),
    DatasetKind.SEGMENTS: (lambda row: f"user{row:08},segment", lambda row: ",segment and some more"),
    DatasetKind.DEMOGRAPHICS: (lambda row: f"user{row:08},25-34,f", lambda row: ",25-34 or some more,f"),
    DatasetKind.EMBEDDINGS: (
        lambda row: f"user{row:08},news" + f",{row % 997 / 1000}" * 8,
        lambda row: f"user{row:08},news" + f",x{row % 997 / 1000}" * 8,
    ),
}


def seconds(path: Path, kind: DatasetKind, line: Line, *, valid: int) -> float:
    """CPU time of the faster one of two validations."""
    path.write_text("".join(f"{line(row)}\n" for row in range(ROWS)))
    took = []
    for _ in range(2):
        begun = time.process_time()
        kept = {"valid_rows": path.with_name("valid"), "invalid_rows": path.with_name("invalid")}
        found = validate(path, kind, make_lab(USER_ID, HASH, numEmbeddings=8), **kept)
        took.append(time.process_time() - begun)
        assert found.facts.valid_rows == valid
    return min(took)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(LINES))
def test_failing_rows_cost_little(kind: DatasetKind, tmp_path: Path) -> None:
    good, bad = LINES[kind]
    clean = seconds(tmp_path / "clean", kind, good, valid=ROWS)
    failing = seconds(tmp_path / "failing", kind, bad, valid=0)
    assert failing < MOST * clean, (clean, failing)
