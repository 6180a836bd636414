"""Documents and Parquet files: encrypted as a whole, bound to key and place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.storage import Key, ParquetCipher, decrypt_bytes, encrypt_bytes, read_encrypted, write_encrypted
from datalab.storage.errors import EncryptedFileDamaged

PLANTED = "ada.lovelace@example.org"


@given(st.binary(max_size=300))
def test_documents_come_back(data: bytes) -> None:
    key = Key()
    one = encrypt_bytes(data, key, "lab/report")
    assert decrypt_bytes(one, key, "lab/report") == data
    assert one != encrypt_bytes(data, key, "lab/report")
    assert len(data) < 4 or data not in one


def test_every_changed_or_missing_byte_of_a_document_is_noticed(key: Key) -> None:
    whole = encrypt_bytes(b"report", key, "c")
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        for wrong in (bytes(changed), whole[:position]):
            with pytest.raises(EncryptedFileDamaged):
                decrypt_bytes(wrong, key, "c")
    for wrong_key, context in ((Key(), "c"), (key, "d")):
        with pytest.raises(EncryptedFileDamaged):
            decrypt_bytes(whole, wrong_key, context)


def test_a_document_file_is_private_and_encrypted(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "new" / "report.bin"
    write_encrypted(path, PLANTED.encode() * 10, key, "c")
    assert read_encrypted(path, key, "c") == PLANTED.encode() * 10
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and PLANTED.encode() not in path.read_bytes()
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputMissing):
        read_encrypted(tmp_path / "none", key, "c")
    with pytest.raises(InputUnreadable):
        read_encrypted(tmp_path, key, "c")
    with pytest.raises(OutputFailed):
        write_encrypted(path / "below", b"", key, "c")


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "id": [f"{PLANTED}{number}" for number in range(300)],
            "segment": pa.array(["sport", "music", None] * 100),
            "score": pa.array([0.5, None, 1.5] * 100),
        }
    )


def write(path: Path, table: pa.Table, cipher: ParquetCipher) -> Path:
    options = {"use_dictionary": ["segment"], "write_statistics": ["score"]}
    with pq.ParquetWriter(path, table.schema, encryption_properties=cipher.encryption, **options) as writer:
        for start in range(0, table.num_rows, 100):
            writer.write_table(table.slice(start, 100))
    return path


def test_an_encrypted_parquet_file_shows_nothing_and_comes_back(tmp_path: Path, key: Key, table: pa.Table) -> None:
    cipher = ParquetCipher(key, "lab/users")
    path = write(tmp_path / "users.parquet", table, cipher)
    found = path.read_bytes()
    for text in (PLANTED, "lovelace", "sport", "segment", "score", "lab/users"):
        assert text.encode() not in found
    assert pa.Table.from_batches(cipher.read_batches(path, batch_rows=64)) == table
    assert pa.Table.from_batches(cipher.read_batches(path, ["score"])) == table.select(["score"])
    with cipher.open(path) as file:
        assert file.num_row_groups == 3


def test_decrypting_keeps_row_groups_dictionaries_and_statistics(tmp_path: Path, key: Key, table: pa.Table) -> None:
    cipher = ParquetCipher(key, "c")
    path, plain = write(tmp_path / "a", table, cipher), tmp_path / "plain.parquet"
    cipher.decrypt_to(path, plain)
    assert pq.read_table(plain) == table
    assert stat.S_IMODE(plain.stat().st_mode) == 0o600
    group = pq.ParquetFile(plain).metadata.row_group(2)
    assert pq.ParquetFile(plain).num_row_groups == 3
    assert [group.column(at).has_dictionary_page for at in range(3)] == [False, True, False]
    assert [group.column(at).is_stats_set for at in range(3)] == [False, False, True]


def test_duckdb_reads_what_was_decrypted(tmp_path: Path, key: Key, table: pa.Table) -> None:
    import duckdb

    cipher = ParquetCipher(key, "c")
    cipher.decrypt_to(write(tmp_path / "a", table, cipher), tmp_path / "plain.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT count(*), sum(score) FROM read_parquet(?)", [str(tmp_path / "plain.parquet")])
        assert rows.fetchall() == [(300, 200.0)]


def test_an_empty_table_comes_back(tmp_path: Path, key: Key, table: pa.Table) -> None:
    cipher = ParquetCipher(key, "c")
    path = write(tmp_path / "a", table.slice(0, 0), cipher)
    assert list(cipher.read_batches(path)) == []
    cipher.decrypt_to(path, tmp_path / "plain")
    assert pq.read_table(tmp_path / "plain") == table.slice(0, 0)


def test_another_key_or_place_does_not_open_a_parquet_file(tmp_path: Path, key: Key, table: pa.Table) -> None:
    path = write(tmp_path / "a", table, ParquetCipher(key, "lab-1/users"))
    for cipher in (ParquetCipher(Key(), "lab-1/users"), ParquetCipher(key, "lab-2/users")):
        with pytest.raises(EncryptedFileDamaged):
            list(cipher.read_batches(path))
        with pytest.raises(EncryptedFileDamaged):
            cipher.decrypt_to(path, tmp_path / "plain")
    assert not (tmp_path / "plain").exists()


def test_a_plain_or_missing_file_is_refused(tmp_path: Path, key: Key, table: pa.Table) -> None:
    cipher = ParquetCipher(key, "c")
    pq.write_table(table, tmp_path / "plain")
    with pytest.raises(EncryptedFileDamaged):
        list(cipher.read_batches(tmp_path / "plain"))
    with pytest.raises(InputMissing):
        list(cipher.read_batches(tmp_path / "none"))
    (tmp_path / "empty").touch()
    with pytest.raises(EncryptedFileDamaged):
        list(cipher.read_batches(tmp_path / "empty"))
    with pytest.raises(OutputFailed):
        cipher.decrypt_to(write(tmp_path / "a", table, cipher), tmp_path / "a" / "below")


def test_changed_bytes_of_a_parquet_file_are_noticed(tmp_path: Path, key: Key) -> None:
    cipher = ParquetCipher(key, "c")
    table = pa.table({"id": [PLANTED]})
    path = tmp_path / "a"
    pq.write_table(table, path, encryption_properties=cipher.encryption)
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        try:
            rows = pa.Table.from_batches(cipher.read_batches(path))
        except EncryptedFileDamaged as error:
            assert PLANTED not in str(error)
        else:
            assert rows == table, position  # a byte that no reader needs, such as the first magic
        if position % 50 == 0:
            path.write_bytes(whole[:position])
            with pytest.raises(EncryptedFileDamaged):
                list(cipher.read_batches(path))


def test_row_groups_of_two_files_cannot_be_exchanged(tmp_path: Path, key: Key) -> None:
    cipher = ParquetCipher(key, "c")
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        pq.write_table(pa.table({"id": [os.urandom(64).hex()]}), path, encryption_properties=cipher.encryption)
    one, other = (path.read_bytes() for path in paths)
    footer = int.from_bytes(one[-8:-4], "little") + 8
    paths[0].write_bytes(other[: len(other) - footer] + one[-footer:])
    with pytest.raises(EncryptedFileDamaged):
        list(cipher.read_batches(paths[0]))
