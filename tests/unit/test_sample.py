"""The sample lab: reproducible, exact in its counts, valid unless told otherwise; no validation is tested here."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from pathlib import Path
from typing import Any

import pytest

from datalab.errors import OutputFailed, UsageError
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import load_lab
from datalab.sample import SampleLab, rows, write_sample

SHA256 = re.compile(r"[a-f0-9]{64}")
FORMATS = {
    "userId": re.compile(r"u-[0-9a-f]{16}"),
    "hashed_email": SHA256,
    "hashed_phone": SHA256,
    "maid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
}
USERS = 3_000
KEYS = {DatasetKind.IDENTIFIERS: 3, DatasetKind.SEGMENTS: 2, DatasetKind.DEMOGRAPHICS: 1, DatasetKind.EMBEDDINGS: 2}
WIDTHS = {DatasetKind.IDENTIFIERS: 3, DatasetKind.SEGMENTS: 2, DatasetKind.DEMOGRAPHICS: 3, DatasetKind.EMBEDDINGS: 34}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> SampleLab:
    return write_sample(tmp_path_factory.mktemp("clean"), users=USERS, seed=1)


def records(sample: SampleLab, kind: DatasetKind) -> list[list[str]]:
    with sample.files[kind].open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def digests(sample: SampleLab) -> dict[str, str]:
    paths = [sample.lab, *sample.files.values()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def invalid_rows(sample: SampleLab, kind: DatasetKind) -> int:
    """Count wrong rows the simple way: width, empty cells, formats, then repeated keys among what is left."""
    seen: set[tuple[str, ...]] = set()
    wrong = 0
    for cells in records(sample, kind):
        key = tuple(cells[: KEYS[kind]])
        good = len(cells) == WIDTHS[kind] and all(key) and key not in seen
        if good and kind is DatasetKind.IDENTIFIERS:
            good = cells[1] in FORMATS and FORMATS[cells[1]].fullmatch(cells[2]) is not None
        if good and kind is DatasetKind.EMBEDDINGS:
            good = all(re.fullmatch(r"-?0\.\d{7}", cell) for cell in cells[2:])
        wrong += not good
        if good:
            seen.add(key)
    return wrong


@pytest.mark.parametrize("kind", DatasetKind)
def test_a_clean_lab_has_no_invalid_row(clean: SampleLab, kind: DatasetKind) -> None:
    assert invalid_rows(clean, kind) == 0
    assert clean.dirty_rows[kind] == 0


@pytest.mark.parametrize("kind", DatasetKind)
def test_files_are_plain(clean: SampleLab, kind: DatasetKind) -> None:
    content = clean.files[kind].read_bytes()
    assert content.isascii()
    assert content.endswith(b"\n")
    assert not set(b'"\r') & set(content)


def test_rows_per_user_are_those_of_the_reference_lab(clean: SampleLab) -> None:
    expected = {"identifiers": 7_500, "segments": 15_000, "demographics": 3_000, "embeddings": 750}
    assert clean.rows == expected
    assert {kind: len(records(clean, kind)) for kind in DatasetKind} == expected


def test_the_definition_fits_the_files(clean: SampleLab) -> None:
    lab = load_lab(clean.lab)
    assert lab.datasets == list(DatasetKind)
    assert lab.num_embeddings == 32
    assert [entry.id_name for entry in lab.matching_ids] == ["hashed_email", "hashed_phone"]
    assert [entry.id_name for entry in lab.activation_ids] == ["userId", "maid"]
    assert {cells[1] for cells in records(clean, DatasetKind.IDENTIFIERS)} == set(FORMATS)


def test_people_look_real(clean: SampleLab) -> None:
    users = {kind: {cells[0] for cells in records(clean, kind)} for kind in DatasetKind}
    everyone = set.union(*users.values())
    assert USERS < len(everyone) < 1.1 * USERS
    assert all(len(known) < len(everyone) for known in users.values())
    segments = [cells[1] for cells in records(clean, DatasetKind.SEGMENTS)]
    assert segments.count("News & Politics") > 5 * segments.count("Horse Riding") > 0
    assert len(set(segments)) == len(KINDS[DatasetKind.SEGMENTS].columns[1].sample) == 60
    genders = [cells[2] for cells in records(clean, DatasetKind.DEMOGRAPHICS)]
    assert set(genders) == {"f", "m", "d", ""}
    ids = [(cells[1], cells[2]) for cells in records(clean, DatasetKind.IDENTIFIERS)]
    assert 0 < len(ids) - len(set(ids)) < 0.05 * len(ids), "some households share an id"
    vectors = [[float(cell) for cell in cells[2:]] for cells in records(clean, DatasetKind.EMBEDDINGS)]
    assert sum(math.hypot(*vector) for vector in vectors) / len(vectors) == pytest.approx(1, abs=0.1)


def test_same_arguments_same_bytes(clean: SampleLab, tmp_path: Path) -> None:
    again = write_sample(tmp_path / "again", users=USERS, seed=1)
    other = write_sample(tmp_path / "other", users=USERS, seed=2)
    assert digests(again) == digests(clean)
    assert all(digests(other)[path.name] != digests(clean)[path.name] for path in clean.files.values())
    # Pinned: the bytes are the same on every machine and with every version of numpy.
    together = hashlib.sha256("".join(digests(clean).values()).encode()).hexdigest()
    assert together == "47dee7f51dda8708ec65209c1ddf0753656a42b2ef7a7cebdedda3325a4ec4c6"


def test_blocks_meet_without_gap_or_overlap(tmp_path: Path) -> None:
    users = 2 * rows.BLOCK_USERS + 1
    asked = {DatasetKind.SEGMENTS: users + 7, DatasetKind.IDENTIFIERS: users, DatasetKind.EMBEDDINGS: 3}
    sample = write_sample(tmp_path, users=users, rows=asked)
    for kind in DatasetKind:
        assert len(records(sample, kind)) == sample.rows[kind]
        assert invalid_rows(sample, kind) == 0
    assert len({cells[0] for cells in records(sample, DatasetKind.DEMOGRAPHICS)}) == users


def test_row_counts_asked_for_are_exact(tmp_path: Path) -> None:
    progress: list[tuple[str, int, int]] = []
    sample = write_sample(
        tmp_path,
        users=500,
        dirty=0.2,
        rows=dict(zip(DatasetKind, (3_500, 30_000, 1, 0), strict=True)),
        dimensions=3,
        progress=lambda *told: progress.append(told),
    )
    assert [sample.files[kind].read_bytes().count(b"\n") for kind in DatasetKind] == [3_500, 30_000, 1, 0]
    assert progress == [(kind, sample.rows[kind], sample.rows[kind]) for kind in DatasetKind]
    assert load_lab(sample.lab).num_embeddings == 3


@pytest.mark.parametrize("users", [1, 2, 3, 17])
def test_small_labs(tmp_path: Path, users: int) -> None:
    sample = write_sample(tmp_path, users=users, seed=users)
    assert all(invalid_rows(sample, kind) == 0 for kind in DatasetKind)


@pytest.mark.parametrize("kind", DatasetKind)
@pytest.mark.parametrize("dirty", [0.1, 1.0])
def test_the_dirty_share_is_met(tmp_path: Path, kind: DatasetKind, dirty: float) -> None:
    sample = write_sample(tmp_path, users=USERS, seed=3, dirty=dirty, rows={DatasetKind.EMBEDDINGS: 3_000})
    assert sample.dirty_rows[kind] == pytest.approx(dirty * sample.rows[kind], rel=0.15)
    assert invalid_rows(sample, kind) == sample.dirty_rows[kind]
    assert len(records(sample, kind)) == sample.rows[kind]


def test_dirt_is_of_every_sort(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, users=USERS, seed=3, dirty=0.1)
    text = sample.files[DatasetKind.IDENTIFIERS].read_text()
    assert re.search(r"hashed_email,[A-F0-9]{64}\n", text)
    assert "@example.com\n" in text
    assert re.search(r"hashed_email,[a-f0-9]{40}\n", text)
    assert re.search(r"maid,[a-f0-9]{32}\n", text)
    assert re.search(r",hem,[a-f0-9]", text)
    assert "#REF!" in sample.files[DatasetKind.EMBEDDINGS].read_text()
    assert re.search(r"^,", sample.files[DatasetKind.SEGMENTS].read_text(), re.MULTILINE)
    assert ";" in sample.files[DatasetKind.DEMOGRAPHICS].read_text()


def test_other_files_stay_and_own_ones_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "segments.csv").write_text("old")
    write_sample(tmp_path, users=5)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(["LAB.json", "notes.txt", *(f"{kind}.csv" for kind in DatasetKind)])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "segments.csv").read_text() != "old"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"users": 0}, "at least 1 user"),
        ({"users": 5, "dirty": -0.1}, "from 0 to 1"),
        ({"users": 5, "dirty": 1.5}, "from 0 to 1"),
        ({"users": 5, "dirty": math.nan}, "from 0 to 1"),
        ({"users": 5, "dimensions": 0}, "1 to 1024"),
        ({"users": 5, "rows": {DatasetKind.DEMOGRAPHICS: 6}}, "0 to 5 different rows of demographics"),
        ({"users": 5, "rows": {DatasetKind.SEGMENTS: -1}}, "0 to 300 different rows of segments"),
    ],
)
def test_arguments_out_of_range(tmp_path: Path, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        write_sample(tmp_path / "lab", **arguments)
    assert not (tmp_path / "lab").exists()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="no incomplete file"):
        write_sample(tmp_path / "file", users=5)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_half_written_stays(tmp_path: Path, failure: BaseException) -> None:
    (tmp_path / "segments.csv").write_text("old")

    def fail(kind: DatasetKind, done: int, total: int) -> None:
        if kind is DatasetKind.DEMOGRAPHICS:
            raise failure

    with pytest.raises((OutputFailed, KeyboardInterrupt)):
        write_sample(tmp_path, users=5, progress=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["segments.csv"]
    assert (tmp_path / "segments.csv").read_text() == "old"
