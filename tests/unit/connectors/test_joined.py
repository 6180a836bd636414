"""Parts are read as one archive: what is stored has the rows of all of them, in order."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.connectors import EntryChanged, PartUnfit, connector_for, groups_of, open_group
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, lab_from_dict
from datalab.statistics import ValidatedDataset
from datalab.validation.stream import validate

LAB = lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]})


def parquet(rows: list[str]) -> bytes:
    users, names = zip(*(row.split(",") for row in rows), strict=True)
    target = io.BytesIO()
    pq.write_table(pa.table({"userId": pa.array(users), "segment": pa.array(names)}), target)
    return target.getvalue()


def zipped(content: bytes, *names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return target.getvalue()


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def read(folder: Path) -> bytes:
    connector, pattern = connector_for(str(folder)), f"{folder}/*"
    (group,) = groups_of(connector.list(pattern))
    with open_group(connector, pattern, group) as source:
        return source.read()


def rows_in(content: bytes, folder: Path) -> tuple[int, int]:
    """Return the rows and the valid rows that a validation counts."""
    file = folder / "joined"
    file.write_bytes(content)
    outcome = validate(file, DatasetKind.SEGMENTS, LAB)
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    assert not dataset.file_errors
    return dataset.total_rows, dataset.valid_rows


FORMS = {
    "csv": ("", lambda rows: "\n".join(rows).encode()),
    "gzip": (".gz", lambda rows: gzip.compress("\n".join(rows).encode())),
    "zip": (".zip", lambda rows: zipped("\n".join(rows).encode(), "inner.csv")),
    "parquet": (".parquet", parquet),
    "utf-16": (".csv", lambda rows: "\n".join(rows).encode("utf-16")),
}


@pytest.mark.parametrize("form", FORMS)
def test_parts_have_the_rows_of_all_files(form: str, tmp_path: Path) -> None:
    (folder := tmp_path / "drop").mkdir()
    ending, write = FORMS[form]
    for part in range(12):
        put(folder, f"part-{part:04}{ending}", write([f"u{part},s{row}" for row in range(3)]))
    content = read(folder)
    assert content == read(folder)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"part-{part:04}{ending}" for part in range(12)]
        assert {info.compress_type for info in archive.infolist()} == {0 if form == "parquet" else 8}
    assert rows_in(content, tmp_path) == (36, 36)


def test_one_file_is_taken_as_it_is_and_empty_parts_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "part-0001.csv.gz", gzip.compress(b"u1,s1\n"))
    assert read(tmp_path) == (tmp_path / "part-0001.csv.gz").read_bytes()
    put(tmp_path, "part-0000.csv.gz", b"")
    assert read(tmp_path) == (tmp_path / "part-0001.csv.gz").read_bytes()
    put(tmp_path, "part-0002.csv.gz", gzip.compress(b"u2,s1\n"))
    with zipfile.ZipFile(io.BytesIO(read(tmp_path))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [b"u1,s1\n", b"u2,s1\n"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"u1,s1\n" * 1000)[:-6], "damaged"),
        (zipped(b"u1,s1\n", "a", "b"), "of one file"),
        (zipped(b"x", "[Content_Types].xml", "xl/a"), "of one file"),
        (zipped(b"u1,s1\n", "a")[:-30], "damaged"),
        (parquet(["u1,s1"]), "another type"),
    ],
    ids=["gzip cut off", "two members", "Excel", "zip cut off", "Parquet after text"],
)
def test_a_part_that_does_not_fit_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    put(tmp_path, "part-0000", b"u1,s1\n")
    put(tmp_path, "part-0001", content)
    with pytest.raises(PartUnfit, match=f"part-0001 .*{reason}"):
        read(tmp_path)


@pytest.mark.parametrize("packed", [False, True], ids=["text", "zip"])
def test_a_part_that_changes_meanwhile_is_noticed(tmp_path: Path, packed: bool) -> None:
    for part in range(2):
        put(tmp_path, f"part-{part}", zipped(b"u1,s1\n", "a") if packed else b"u1,s1\n" * 400_000)
    connector, pattern = connector_for(str(tmp_path)), f"{tmp_path}/*"
    (group,) = groups_of(connector.list(pattern))
    put(tmp_path, "part-1", b"u2,s2,\n" * 400_000)
    with pytest.raises(EntryChanged), open_group(connector, pattern, group) as source:
        while source.read(1 << 20):
            pass


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contents=st.lists(st.binary(min_size=1, max_size=3000), min_size=2, max_size=5))
def test_no_byte_of_a_part_is_lost(contents: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("drop")
    plain = [b"," + content for content in contents]  # neither gzip, zip nor Parquet
    for number, content in enumerate(plain):
        put(folder, f"part-{number:04}", content if number % 2 else gzip.compress(content))
    with zipfile.ZipFile(io.BytesIO(read(folder))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == plain
