"""The progress of a pass: all bytes are said to be read once, when everything is checked."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.kinds import DatasetKind
from datalab.validation.stream import validate
from datalab_dagster.terminal import checks
from datalab_dagster.terminal.safe_console import SafeConsole
from tests.labs import make_lab

ROWS = 300_000


def parquet(rows: int) -> bytes:
    file = io.BytesIO()
    table = pa.table({"user": [f"u{number}" for number in range(rows)], "segment": ["s"] * rows})
    pq.write_table(table, file, row_group_size=50_000)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [parquet(ROWS), "".join(f"u{number},s\n" for number in range(ROWS)).encode(), b""],
    ids=["parquet", "csv", "empty"],
)
def test_all_bytes_are_read_once_at_the_end(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "segments"
    path.write_bytes(content)
    seen: list[tuple[int, int, int]] = []
    lines = checks._Lines(SafeConsole(stderr=True, width=160), 0.0)

    def progress(rows: int, bytes_read: int, size: int) -> None:
        seen.append((rows, bytes_read, size))
        lines.update(DatasetKind.SEGMENTS, rows, bytes_read, size)

    validate(path, DatasetKind.SEGMENTS, make_lab(requireSegments=True), progress=progress)
    assert seen[-1] == (ROWS if content else 0, len(content), len(content))
    assert [one for one in seen[:-1] if one[1] >= one[2]] == []
    printed = capsys.readouterr().err.splitlines()
    assert [" checked in " in line for line in printed] == [False] * (len(seen) - 1) + [True]
    assert not [line for line in printed if " 1 byte left" in line or " 0 bytes left" in line]
    assert len(seen) > (2 if content.startswith(b"PAR1") else bool(content))
