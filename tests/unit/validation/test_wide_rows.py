"""A file of thousands of dimensions takes about as long as one of as many values in few dimensions."""

from __future__ import annotations

import time
from pathlib import Path

from datalab.kinds import DatasetKind
from datalab.validation.stream import validate
from tests.labs import EMAIL, USER_ID, make_lab

VALUES = 4_000_000
MOST = 6
"""Times; 3 were measured, and 18 when every column was checked alone."""


def seconds(folder: Path, width: int) -> float:
    """CPU time of the validation of `VALUES` numbers in rows of `width`."""
    path = folder / f"{width}.csv"
    numbers = ",".join(f"{n % 997 / 1000}" for n in range(width))
    path.write_text("".join(f"user{row},s,{numbers}\n" for row in range(VALUES // width)))
    begun = time.process_time()
    found = validate(path, DatasetKind.EMBEDDINGS, make_lab(USER_ID, EMAIL, numEmbeddings=width))
    assert found.report.report.num_rows_total == VALUES // width
    return time.process_time() - begun


def test_the_width_of_rows_costs_little(tmp_path: Path) -> None:
    seconds(tmp_path, 10)  # loads what is loaded once
    narrow, wide = seconds(tmp_path, 40), seconds(tmp_path, 10_000)
    assert wide < MOST * narrow, (narrow, wide)
