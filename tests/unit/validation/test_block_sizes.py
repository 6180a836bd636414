"""The size of blocks decides how fast a file is checked, and nothing else: not a byte of a report, not a row."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.labs import prepared_lab
from datalab.ingest import split
from datalab.ingest.text import TextMember
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.validation.stream import validate
from tests.labs import EMAIL, HASH, USER_ID, make_lab
from tests.strategies import HostileFile, is_plain_text, plain_files

KIB, MIB = 1 << 10, 1 << 20
SIZES = [KIB, 64 * KIB, 4 * MIB, 16 * MIB]
CODES = {
    "EMPTY_CELL",
    "INVALID_FLOAT_FORMAT",
    "INVALID_MAID_FORMAT",
    "INVALID_SHA256_HEX_FORMAT",
    "NOT_ENOUGH_COLUMNS_PROVIDED",
    "TOO_MANY_COLUMNS_PROVIDED",
    "DUPLICATE_VALUES",
}

Found = tuple[str, str, pa.Table, pa.Table]


def checked(path: Path, kind: DatasetKind, lab: LabDefinition, size: int) -> Found:
    """Return report and facts as text, the valid and the invalid rows of a check in blocks of `size` bytes."""
    valid, invalid = path.with_name("valid"), path.with_name("invalid")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(split, "BLOCK_BYTES", size)
        patched.setattr(TextMember.chunks, "__defaults__", (size,))
        found = validate(path, kind, lab, valid_rows=valid, invalid_rows=invalid)
    return (
        found.report.model_dump_json(by_alias=True),
        found.facts.model_dump_json(),
        pq.read_table(valid).combine_chunks(),
        pq.read_table(invalid).combine_chunks(),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_blocks_of_any_size_give_the_same_result(seed: int, tmp_path: Path) -> None:
    lab, seen = prepared_lab(tmp_path, "reference", 0.0003, seed=seed), set()
    for kind in DatasetKind:
        results = [checked(lab.files[kind], kind, load_lab(lab.definition), size) for size in SIZES]
        assert all(result == results[0] for result in results)
        seen |= {code for code in CODES if code in results[0][0]}
    assert seen == CODES


@pytest.mark.slow
def test_large_blocks_give_the_same_result(tmp_path: Path) -> None:
    """A file of 10 MiB: three blocks, or one."""
    lab = prepared_lab(tmp_path, "reference", 0.016)
    path, definition = lab.files[DatasetKind.SEGMENTS], load_lab(lab.definition)
    small, large = (checked(path, DatasetKind.SEGMENTS, definition, size) for size in (4 * MIB, 16 * MIB))
    assert small == large


PHONE = {"idName": "phone", "idType": "PHONE_NUMBER"}
MAID = {"idName": "maid", "idType": "MAID"}
IDS_LAB = make_lab(USER_ID, EMAIL, HASH, PHONE, MAID)
USERS = st.sampled_from(["u#", "u#", "u#", "u1", "", "user_id", "NULL", "u\u200b", " u#"])
NAMED = st.sampled_from(
    [
        ("email", "a#@b.c"),
        ("email", "A#@b.c"),
        ("hem", "ab" * 32),
        ("hem", "AB" * 32),
        ("phone", "+4179#"),
        ("phone", "4179#"),
        ("maid", "01234567-89ab-cdef-0123-456789abcdef"),
        ("maid", "01234567-89AB-CDEF-0123-456789ABCDEF"),
        ("maid", "01234567-89ab-cdef-0123-456789ABCDEF"),
        (" maid", "x"),
        ("", ""),
        ("id_name", "id"),
    ]
)
ID_LINES = st.one_of(
    st.tuples(USERS, NAMED).map(lambda row: f"{row[0]},{row[1][0]},{row[1][1]}"),
    st.sampled_from(["u", "a,b,c,d", '"u#",hem,"x"']),
)


@settings(max_examples=15)
@given(st.lists(ID_LINES, min_size=1, max_size=12), st.integers(1, 3_000))
def test_identifiers_of_any_block_size_have_the_same_result(lines: list[str], count: int) -> None:
    """With every hint: which rows are the first ones of a block must not matter."""
    rows = [f"u{number},hem,{number:064x}" for number in range(600)]
    rows += [line.replace("#", f"{number:05}") for line, number in zip(itertools.cycle(lines), range(count))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_text("\n".join(rows))
        results = [checked(path, DatasetKind.IDENTIFIERS, IDS_LAB, size) for size in SIZES]
    for result in results:
        assert result == results[0]


@settings(max_examples=15)
@given(plain_files(), st.integers(1, 200))
def test_hostile_files_of_any_block_size_have_the_same_result(file: HostileFile, times: int) -> None:
    """Hints that follow from the first rows, of which a block of a kibibyte holds few, are left out."""
    text = b"\n".join([file.text] * times)
    assume(is_plain_text(text))
    keys = {"numEmbeddings": file.num_columns - 2} if file.dataset == "embeddings" else {}
    lab = make_lab(dropInvalidRows=file.drop_invalid_rows, **keys)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(text)
        results = [checked(path, DatasetKind(file.dataset), lab, size) for size in SIZES]
    for report, _, valid, invalid in results:
        assert (report, valid, invalid) == (results[0][0], results[0][2], results[0][3])
