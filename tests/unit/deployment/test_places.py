"""Both places of computed files: what was kept is read again, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datalab.deployment.addresses import (
    REPORT,
    Address,
    Layer,
)
from datalab.deployment.errors import DatasetNotValidated, PathRefused
from datalab.deployment.places import Place
from datalab.deployment.plain_place import PlainPlace
from datalab.errors import InputMissing, InputUnreadable
from datalab.storage.errors import EncryptedFileDamaged
from tests.unit.deployment.kept import (
    DOCUMENTS,
    LAB,
    PLANTED,
    ROWS_AT,
    USERS_AT,
    VALID,
    Kept,
    encrypted_only,
    keep_all,
    values,
    write,
)


class TestDocuments:
    @pytest.mark.parametrize("address", DOCUMENTS, ids=lambda address: address.name)
    def test_are_read_as_they_were_written_also_by_a_later_run(self, kept: Kept, address: Address) -> None:
        first = kept.later()
        for text in ('{"a": "ä"}', "", "other"):
            write(first, kept, address, text)
            assert first.read(address) == kept.later().read(address) == text.encode()

    @pytest.mark.parametrize("address", DOCUMENTS, ids=lambda address: address.name)
    def test_that_are_not_there(self, place: Place, address: Address) -> None:
        with pytest.raises(InputMissing):
            place.read(address)

    def test_do_not_get_in_one_anothers_way(self, place: Place) -> None:
        for address in DOCUMENTS:
            place.write(address, address.name)
        assert [place.read(address).decode() for address in DOCUMENTS] == [address.name for address in DOCUMENTS]

    def test_that_cannot_be_read_say_so_without_their_content(self, kept: Kept, place: Place) -> None:
        for address in DOCUMENTS:
            place.write(address, PLANTED)
        for path in kept.files():
            path.unlink()
            path.mkdir()
        for address in DOCUMENTS:
            with pytest.raises(InputUnreadable) as failed:
                place.read(address)
            assert PLANTED not in str(failed.value)

    @pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../statistics.json"])
    def test_have_one_name(self, kept: Kept, place: Place, name: str) -> None:
        for address in DOCUMENTS:
            with pytest.raises(PathRefused):
                place.read(address.beside(name))
            with pytest.raises(PathRefused):
                place.write(address.beside(name), "text")
        assert kept.files() == []


class TestRows:
    def test_are_read_by_the_run_that_wrote_them_and_by_a_later_one(self, kept: Kept, place: Place) -> None:
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows(["u2"]))
        for reader in (place, kept.later()):
            opened = reader.open_rows(VALID)
            assert values(opened) == [PLANTED, "u1", "u2"] and reader.open_rows(VALID) == opened
            assert pq.ParquetFile(opened).num_row_groups == 2
            assert values(reader.open_rows(USERS_AT)) == ["u2"]

    def test_are_moved_so_that_scratch_holds_them_once(self, kept: Kept, place: Place) -> None:
        for address in ROWS_AT:
            rows = kept.rows()
            place.keep_rows(address, rows)
            assert not rows.exists()

    def test_that_are_not_there(self, place: Place) -> None:
        with pytest.raises(DatasetNotValidated, match="Materialise valid_segments as well"):
            place.open_rows(VALID)
        with pytest.raises(InputMissing):
            place.open_rows(USERS_AT)

    @pytest.mark.parametrize("damage", ["cut off", "changed", "emptied", "exchanged"])
    def test_that_are_damaged(self, kept: Kept, damage: str) -> None:
        place = kept.later()
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows())
        for path in [path for path in kept.files() if path.suffix == ".parquet"]:
            content = path.read_bytes()
            half = len(content) // 2
            path.write_bytes(
                {
                    "cut off": content[:-9],
                    "changed": content[:-20] + bytes(20),
                    "emptied": b"",
                    "exchanged": content[half:] + content[:half],
                }[damage]
            )
        for address in ROWS_AT:
            with pytest.raises((EncryptedFileDamaged, InputUnreadable)) as failed:
                kept.later().open_rows(address)
            assert PLANTED not in str(failed.value)


def test_plain_rows_are_checked_once_however_often_they_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, checked, read_metadata = PlainPlace(tmp_path, LAB), [], pq.read_metadata
    monkeypatch.setattr(pq, "read_metadata", lambda path: (checked.append(path), read_metadata(path))[1])
    kept = Kept(tmp_path, lambda _: place, tmp_path)
    for number in (1, 2):  # kept again, they are other rows
        keep_all(place, kept)
        assert len({place.open_rows(VALID) for _ in range(3)}) == 1
        assert len(checked) == number


@pytest.mark.parametrize("damage", [b"", b"half", b"\0" * 200], ids=["emptied", "cut off", "changed"])
def test_a_damaged_report_is_refused(kept: Kept, place: Place, damage: bytes) -> None:
    encrypted_only(place)
    keep_all(place, kept)
    [report] = [path for path in kept.files() if path.suffix == ".bin"]
    report.write_bytes(damage)
    with pytest.raises(EncryptedFileDamaged) as failed:
        kept.later().read(VALID.beside(REPORT))
    assert PLANTED not in str(failed.value)


def test_a_place_is_one_of_three_layers() -> None:
    assert [layer.value for layer in Layer] == ["validated", "computed", "results"]
    assert [address.is_private for address in (VALID, *DOCUMENTS)] == [True, True, False, False, False]
