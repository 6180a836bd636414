"""Computed files on disk: sealed, readable by their owner only, and where an earlier version looks for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment import addresses, versions
from datalab.deployment.addresses import (
    REPORT,
    ROWS,
    SUMMARY,
    USERS,
    Address,
    combination,
    computed,
    validated,
)
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import DatasetNotValidated, NoScratch, StoredFileDamaged
from datalab.deployment.lab_folders import LabFolders
from datalab.deployment.places import Place
from datalab.deployment.sets import COMPLETE
from datalab.deployment.versions import FIRST
from datalab.errors import DatalabError
from datalab.storage import Key, ParquetCipher, read_encrypted, write_encrypted
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.objects import Objects
from datalab.validation import CODE_VERSION
from tests.unit.deployment.kept import (
    DATASETS,
    DOCUMENTS,
    IDENTIFIERS,
    LAB,
    PLANTED,
    SEGMENTS,
    USERS_AT,
    VALID,
    Kept,
    encrypted_only,
    keep_all,
    values,
)

AFTER = str(int(CODE_VERSION) + 1)
"""A later version of the code that validates."""


class TestAtRest:
    def test_only_their_owner_may_read_the_files(self, kept: Kept, place: Place) -> None:
        keep_all(place, kept)
        for address in DOCUMENTS:
            place.write(address, "text")
        assert {path.stat().st_mode & 0o777 for path in kept.files() if path.suffix != ".parquet"} == {0o600}
        if isinstance(place, EncryptedPlace):
            below = [path for path in kept.root.rglob("*") if path.is_dir()]
            assert {path.stat().st_mode & 0o777 for path in (*kept.files(), *below)} == {0o600, 0o700}

    def test_below_the_home_no_row_is_in_plain_text(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows())
        assert values(kept.later().open_rows(USERS_AT))[0] == PLANTED
        searched = [path.read_bytes() for path in kept.files()]
        assert len(searched) == 6
        for content in searched:
            assert PLANTED.encode() not in content and b"user_id" not in content

    def test_a_file_in_the_place_of_another_is_refused(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        key = Key()
        folders = LabFolders(Objects(kept.root), lambda _: key)
        for lab in ("lab-1", "lab-2"):
            keep_all(folders.place(lab, kept.new_folder(lab)), kept)
        for name in ("*.parquet", "report.bin"):
            there, here = (next((kept.root / "labs" / lab / "validated").rglob(name)) for lab in ("lab-2", "lab-1"))
            here.write_bytes(there.read_bytes())
        self.assert_damaged(folders.place("lab-1", kept.new_folder("later")))

    def test_an_older_set_in_the_place_of_the_complete_one_is_refused(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        older = {}
        for _ in range(2):
            keep_all(place, kept)
            for path in kept.files():
                if path.name != COMPLETE and path.name in older:
                    path.write_bytes(older[path.name])
            older = {path.name: path.read_bytes() for path in kept.files()}
        self.assert_damaged(kept.later())

    @staticmethod
    def assert_damaged(place: Place) -> None:
        for read in (
            lambda: place.open_rows(VALID),
            lambda: place.read(VALID.beside(REPORT)),
            lambda: place.verify(VALID),
        ):
            with pytest.raises(StoredFileDamaged, match="segments") as failed:
                read()
            assert failed.value.kind is SEGMENTS

    def test_a_set_that_is_replaced_leaves_nothing(self, kept: Kept, place: Place) -> None:
        keep_all(place, kept)
        before = len(kept.files())
        keep_all(kept.later(), kept)
        assert len(kept.files()) == before

    @pytest.mark.parametrize("damage", [b"", b"{}", b'{"format":2,"written":"0000000000000000"}', b"\0" * 90])
    def test_a_damaged_list_of_files_is_refused(self, kept: Kept, place: Place, damage: bytes) -> None:
        encrypted_only(place)
        keep_all(place, kept)
        [complete] = [path for path in kept.files() if path.name == COMPLETE]
        complete.write_bytes(damage)
        with pytest.raises(EncryptedFileDamaged):
            kept.later().open_rows(VALID)

    def test_what_was_recorded_is_verified(self, kept: Kept, place: Place) -> None:
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows(["u1"]))
        assert [kept.later().verify(address).rows for address in (VALID, USERS_AT)] == [3, 1]

    def test_without_scratch_no_rows_are_opened_or_kept(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        keep_all(place, kept)
        outside = LabFolders(Objects(kept.root), lambda _: Key()).place(LAB)
        assert outside.read(VALID.beside(SUMMARY))
        with pytest.raises(NoScratch):
            outside.open_rows(VALID)
        with pytest.raises(NoScratch):
            outside.keep_rows(VALID, kept.rows())

    def test_what_was_made_of_a_deleted_dataset_cannot_be_read(self, kept: Kept, place: Place, tmp_path: Path) -> None:
        encrypted_only(place)
        keep_all(place, kept)

        def gone(_: str) -> Key:
            raise DatalabError("The key was deleted.")

        later = LabFolders(Objects(kept.root), gone).place(LAB, tmp_path)
        for read in (lambda: later.open_rows(VALID), lambda: later.read(VALID.beside(REPORT))):
            with pytest.raises(DatalabError, match="deleted"):
                read()


def code_version(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Make `version` the one of the code that validates."""
    for module in (addresses, versions):
        monkeypatch.setattr(module, "VALIDATION", version)


def addresses_now() -> list[Address]:
    """Return the addresses of valid rows, users and a panel in the version of the code."""
    valid = validated(SEGMENTS, DATASETS[SEGMENTS], ROWS)
    return [valid, computed(DATASETS, USERS), computed(DATASETS, "segments_per_user")]


class TestLayout:
    """A home of an earlier version opens: paths and contexts are written out here, not computed."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Iterator[tuple[Path, EncryptedPlace, dict[str, Key]]]:
        keys = {manifest_hash: Key() for manifest_hash in DATASETS.values()}
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        folders = LabFolders(Objects(tmp_path), keys.__getitem__)
        yield tmp_path / "labs" / LAB, folders.place(LAB, scratch), keys

    def test_names_of_a_combination(self) -> None:
        assert combination({IDENTIFIERS: "ab"}) == "9a03087b7182b2ce9821a25ab03a5e37"

    def test_files_of_an_earlier_version_are_read(
        self, home: tuple[Path, EncryptedPlace, dict[str, Key]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, place, keys = home
        code_version(monkeypatch, FIRST)
        valid, users, panel = addresses_now()
        identifiers, segments = DATASETS.values()
        combined = combination(DATASETS)
        validated_at = folder / "validated" / f"segments-{segments}"
        computed_at = folder / "computed" / combined
        (computed_at / "panels").mkdir(parents=True)
        validated_at.mkdir(parents=True)
        (folder / "results" / "run-1").mkdir(parents=True)

        plain = tmp_path / "plain.parquet"
        pq.write_table(pa.table({"user_id": ["u1"]}), plain)
        with pq.ParquetFile(plain) as rows:
            cipher = ParquetCipher(keys[segments], f"{LAB}/segments/{segments}/rows")
            cipher.encrypt_to(rows, validated_at / "rows.parquet")
            ParquetCipher(keys[identifiers], f"{LAB}/{combined}/users").encrypt_to(rows, computed_at / "users.parquet")
        write_encrypted(validated_at / "report.bin", b"report", keys[segments], f"{LAB}/segments/{segments}/report")
        (validated_at / "summary.json").write_text("summary")
        (computed_at / "panels" / "segments_per_user.json").write_text("panel")
        (folder / "results" / "run-1" / "statistics.json").write_text("statistics")

        assert values(place.open_rows(valid)) == values(place.open_rows(users)) == ["u1"]
        documents = [valid.beside(REPORT), valid.beside(SUMMARY), panel, DOCUMENTS[2]]
        assert [place.read(address) for address in documents] == [b"report", b"summary", b"panel", b"statistics"]
        assert place.result_names("run-1") == ["statistics.json"]

        code_version(monkeypatch, AFTER)
        shown = [place.newest(VALID.beside(name)) for name in (REPORT, SUMMARY)]
        assert [place.read(address) for address in shown] == [b"report", b"summary"]
        with pytest.raises(DatasetNotValidated):
            place.open_rows(addresses_now()[0])

    def test_files_are_written_where_later_versions_read_them(
        self, home: tuple[Path, EncryptedPlace, dict[str, Key]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, place, keys = home
        identifiers, segments = DATASETS.values()
        combined = combination(DATASETS)
        kept = Kept(folder, lambda _: place, tmp_path / "scratch")
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows())
        for address in DOCUMENTS[1:]:
            place.write(address, "text")
        validated_at, computed_at = f"validated/segments-{segments}-{CODE_VERSION}", f"computed/{combined}"
        users_at = f"{computed_at}/users-{USERS_AT.version}"
        sets = {at: json.loads((folder / at / COMPLETE).read_bytes())["written"] for at in (validated_at, users_at)}
        assert sorted(str(path.relative_to(folder)) for path in kept.files()) == sorted(
            [
                f"{validated_at}/_complete.json",
                f"{validated_at}/{sets[validated_at]}/report.bin",
                f"{validated_at}/{sets[validated_at]}/rows/part-00000.parquet",
                f"{validated_at}/{sets[validated_at]}/summary.json",
                f"{users_at}/_complete.json",
                f"{users_at}/{sets[users_at]}/part-00000.parquet",
                f"{computed_at}/panels/segments_per_user-{DOCUMENTS[1].version}.json",
                "results/run-1/dashboard.html",
                "results/run-1/statistics.json",
            ]
        )
        code_version(monkeypatch, FIRST)
        assert [address.version for address in addresses_now()] == ["1", "1-460b6b16", "1-4edefad8"]
        context = f"{LAB}/{validated_at}/{sets[validated_at]}"
        report = folder / validated_at / sets[validated_at] / "report.bin"
        assert PLANTED.encode() in read_encrypted(report, keys[segments], f"{context}/report.bin")
        users = f"{LAB}/{users_at}/{sets[users_at]}/part-00000.parquet"
        for key, bound, path in (
            (segments, f"{context}/rows/part-00000.parquet", report.with_name("rows") / "part-00000.parquet"),
            (identifiers, users, folder / users.removeprefix(f"{LAB}/")),
        ):
            [batch] = ParquetCipher(keys[key], bound).read_batches(path)
            assert batch.num_rows == 3

    def test_a_later_version_of_a_step_reads_nothing_that_an_earlier_one_has_made_except_for_history(
        self, home: tuple[Path, EncryptedPlace, dict[str, Key]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, place, _ = home
        kept = Kept(folder, lambda _: place, tmp_path / "scratch")
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows())
        place.write(DOCUMENTS[1], "panel")
        code_version(monkeypatch, AFTER)
        valid, *made_from_it = addresses_now()
        with pytest.raises(DatasetNotValidated):
            place.open_rows(valid)
        for address in made_from_it:
            assert not place.has(address)
        report = valid.beside(REPORT)
        assert place.newest(report).version == CODE_VERSION
        assert PLANTED.encode() in place.read(place.newest(report))
        place.keep_rows(valid, kept.rows(["u9"]))
        place.write(report, "{}")
        place.write(valid.beside(SUMMARY), "{}")
        assert values(place.open_rows(valid)) == ["u9"] and place.newest(report) == report
