"""The labs of the benchmarks: the same bytes every time, the shapes they are named for, and exactly their faults."""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.floor import copy_sql, measure_floor
from benchmarks.labs import SHAPES, PreparedLab, prepared_lab
from benchmarks.labs.order import Layers, scattered
from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.validation.stream import validate

SMALL = 0.0005
FEW_ROWS = 1e-5
WIDTHS = ("NOT_ENOUGH_COLUMNS_PROVIDED", "TOO_MANY_COLUMNS_PROVIDED")


def digests(lab: PreparedLab) -> dict[str, str]:
    paths = (lab.definition, *lab.files.values())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def texts(lab: PreparedLab) -> dict[DatasetKind, str]:
    """Return the text of each file."""
    found = {kind: path.read_bytes() for kind, path in lab.files.items()}
    return {kind: (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode() for kind, data in found.items()}


def records(lab: PreparedLab, kind: DatasetKind) -> list[list[str]]:
    return list(csv.reader(texts(lab)[kind].splitlines(keepends=True)))


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_seed_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, again, other = (
        digests(prepared_lab(tmp_path / place, name, SMALL, seed=seed))
        for place, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert {name for name in first if first[name] == other[name]} == {"LAB.json"}


def test_a_lab_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = prepared_lab(tmp_path, "reference", FEW_ROWS)
    made = lab.files[DatasetKind.SEGMENTS].stat().st_mtime_ns
    assert prepared_lab(tmp_path, "reference", FEW_ROWS) == lab == PreparedLab.found(tmp_path)
    assert lab.files[DatasetKind.SEGMENTS].stat().st_mtime_ns == made
    assert capsys.readouterr().out.count("generated") == 1
    assert sum(prepared_lab(tmp_path, "reference", 2 * FEW_ROWS).rows.values()) == 2 * sum(lab.rows.values())


@settings(max_examples=30)
@given(name=st.sampled_from(sorted(SHAPES)), rows=st.integers(1, 4_000), seed=st.integers(0, 2**32))
def test_a_report_counts_the_rows_and_faults_that_were_made(name: str, rows: int, seed: int) -> None:
    scale = rows / sum(SHAPES[name].rows.values())
    with tempfile.TemporaryDirectory() as directory:
        lab = prepared_lab(Path(directory), name, scale, seed=seed)
        definition = load_lab(lab.definition)
        for kind, path in lab.files.items():
            target = lab.directory / f"{kind}.parquet"
            report = validate(path, kind, definition, valid_rows=target).report.report
            assert report.outcome == "PASSED"
            invalid = sum(report.num_invalid_rows_by_error_code.values())
            assert (report.num_rows_total, invalid) == (lab.rows[kind], lab.invalid_rows[kind])
            assert pq.read_metadata(target).num_rows == lab.rows[kind] - lab.invalid_rows[kind]


@pytest.mark.parametrize("name", SHAPES)
def test_the_floor_copies_every_row_of_the_right_width(name: str, tmp_path: Path) -> None:
    lab = prepared_lab(tmp_path, name, SMALL)
    definition = load_lab(lab.definition)
    assert set(measure_floor(lab)["cpuSeconds"]) == set(DatasetKind)
    for kind, path in lab.files.items():
        codes = validate(path, kind, definition).report.report.num_invalid_rows_by_error_code
        duckdb.execute(copy_sql(lab, definition, kind, tmp_path / "copy"))
        assert pq.read_metadata(tmp_path / "copy").num_rows == lab.rows[kind] - sum(
            codes.get(code, 0) for code in WIDTHS
        )


class TestShapes:
    """Each shape is what it is named for."""

    @staticmethod
    def lab(tmp_path: Path, name: str) -> PreparedLab:
        return prepared_lab(tmp_path, name, SMALL)

    def test_shares_of_invalid_rows(self, tmp_path: Path) -> None:
        reference, repeated = (self.lab(tmp_path / name, name) for name in ("reference", "repeated"))
        assert sum(reference.invalid_rows.values()) / 17_500 == pytest.approx(0.0486, rel=0.1)
        assert sum(repeated.invalid_rows.values()) / 17_500 == pytest.approx(1 / 6, rel=0.1)

    def test_reference_shares_its_addresses(self, tmp_path: Path) -> None:
        counts = Counter(
            row[2] for row in records(self.lab(tmp_path, "reference"), DatasetKind.IDENTIFIERS) if len(row) == 3
        )
        hashes = [count for value, count in counts.items() if re.fullmatch("[0-9a-f]{64}", value)]
        assert 1.5 < sum(hashes) / len(hashes) < 2.1

    def test_longids(self, tmp_path: Path) -> None:
        lab = self.lab(tmp_path, "longids")
        assert {len(row[0]) for kind in DatasetKind for row in records(lab, kind)} == {64}
        assert {len(row) for row in records(lab, DatasetKind.EMBEDDINGS)} == {66}
        assert len({row[1] for row in records(lab, DatasetKind.SEGMENTS)}) > 5_000

    def test_every_cell_is_quoted(self, tmp_path: Path) -> None:
        for text in texts(self.lab(tmp_path, "quoted")).values():
            assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
            assert not re.search(r'[^"],|,[^"]', text)

    def test_lines_end_in_crlf(self, tmp_path: Path) -> None:
        for text in texts(self.lab(tmp_path, "crlf")).values():
            assert text.count("\n") == text.count("\r\n") > 0

    def test_names_have_commas_and_accents(self, tmp_path: Path) -> None:
        names = [row[1] for row in records(self.lab(tmp_path, "accented"), DatasetKind.SEGMENTS) if len(row) == 2]
        assert all("," in name and not name.isascii() for name in names if name)

    def test_user_ids_are_uuids(self, tmp_path: Path) -> None:
        users = {row[0] for row in records(self.lab(tmp_path, "uuids"), DatasetKind.DEMOGRAPHICS)}
        assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", user) for user in users if user)

    def test_identifiers_have_two_columns(self, tmp_path: Path) -> None:
        widths = Counter(map(len, records(self.lab(tmp_path, "pairs"), DatasetKind.IDENTIFIERS)))
        assert widths[2] > 0.9 * widths.total()

    def test_files_are_compressed(self, tmp_path: Path) -> None:
        lab = self.lab(tmp_path, "gzip")
        assert {path.suffix for path in lab.files.values()} == {".gz"}
        assert {path.read_bytes()[4:8] for path in lab.files.values()} == {bytes(4)}, (
            "no time: the same bytes every time"
        )
        assert texts(lab) == texts(self.lab(tmp_path / "plain", "reference"))

    def test_few_users_have_very_many_segments(self, tmp_path: Path) -> None:
        lab = prepared_lab(tmp_path, "crowded", 0.0025)
        users = Counter(row[0] for row in records(lab, DatasetKind.SEGMENTS))
        assert max(users.values()) > 10_000

    def test_ids_are_shared_by_very_many(self, tmp_path: Path) -> None:
        lab = prepared_lab(tmp_path, "shared", 0.05)
        ids = Counter(row[2] for row in records(lab, DatasetKind.IDENTIFIERS) if len(row) == 3)
        assert max(ids.values()) > 4_000


@given(rows=st.integers(1, 3_000), users=st.integers(1, 400))
def test_layers_hold_every_row_once(rows: int, users: int) -> None:
    layers = Layers.of(rows, users)
    layer, place = layers.find(np.arange(rows))
    assert layers.rows == rows
    assert place.min() >= 0
    assert place.max() < users
    assert len(set(zip(layer.tolist(), place.tolist(), strict=True))) == rows


@given(st.integers(1, 2_000), st.floats(0, 1))
def test_a_scattered_order_is_a_permutation(length: int, share: float) -> None:
    assert sorted(scattered(np.arange(length), length, share).tolist()) == list(range(length))
