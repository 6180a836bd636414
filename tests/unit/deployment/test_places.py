"""Both places of computed files: what was kept is read again, whole or not at all; no plain rows below the home."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment.addresses import (
    REPORT,
    ROWS,
    SUMMARY,
    USERS,
    Address,
    Datasets,
    Layer,
    combination,
    computed,
    result,
    validated,
)
from datalab.deployment.errors import DatasetNotValidated, NoScratch, PathRefused
from datalab.deployment.lab_folders import LabFolders
from datalab.deployment.places import EncryptedPlace, Place, PlainPlace
from datalab.errors import DatalabError, InputMissing, InputUnreadable, OutputFailed
from datalab.kinds import DatasetKind
from datalab.storage import Key, ParquetCipher, read_encrypted, write_encrypted
from datalab.storage.errors import EncryptedFileDamaged

IDENTIFIERS, SEGMENTS, _, _ = DatasetKind
LAB, PLANTED = "lab-1", "planted-7f3a91c6"
DATASETS: Datasets = {IDENTIFIERS: "a" * 64, SEGMENTS: "b" * 64}
VALID = validated(SEGMENTS, DATASETS[SEGMENTS], ROWS)
USERS_AT = computed(DATASETS, USERS)
ROWS_AT = [VALID, USERS_AT]
DOCUMENTS = [
    VALID.beside(REPORT),
    computed(DATASETS, "segments_per_user"),
    result("run-1", "statistics.json"),
    result("run-1", "dashboard.html"),
]


@dataclass
class Kept:
    """A place, and how a later run sees it."""

    root: Path
    make: Callable[[Path], Place]
    scratch: Path
    runs: int = 0

    def later(self) -> Place:
        """Return the place with the scratch of another run."""
        self.runs += 1
        return self.make(self.new_folder(f"scratch-{self.runs}"))

    def new_folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder

    def rows(self, values: list[str] | None = None) -> Path:
        """Write rows as a run does, in its scratch, with two row groups."""
        self.runs += 1
        path = self.new_folder(f"written-{self.runs}") / "rows.parquet"
        pq.write_table(pa.table({"user_id": values or [PLANTED, "u1", "u2"]}), path, row_group_size=2)
        return path

    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]


@pytest.fixture(params=["encrypted", "plain"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    root, scratch = tmp_path / "root", tmp_path / "scratch"
    root.mkdir(mode=0o700)
    scratch.mkdir()
    if request.param == "plain":
        return Kept(root, lambda _: PlainPlace(root, LAB), scratch)
    keys = {manifest_hash: Key() for manifest_hash in DATASETS.values()}
    folders = LabFolders(root, keys.__getitem__)
    return Kept(root, lambda run: folders.place(LAB, run), scratch)


@pytest.fixture
def place(kept: Kept) -> Place:
    return kept.later()


def encrypted_only(place: Place) -> None:
    if not isinstance(place, EncryptedPlace):
        pytest.skip("plain files are not sealed")


def keep_all(place: Place, kept: Kept, values: list[str] | None = None) -> None:
    """Keep what validation keeps, in its order."""
    place.keep_rows(VALID, kept.rows(values))
    place.write(VALID.beside(REPORT), '{"sample": "planted-7f3a91c6"}')
    place.write(VALID.beside(SUMMARY), '{"valid_rows": 3}')


def values(path: Path) -> list[str]:
    found: list[str] = pq.read_table(path).column("user_id").to_pylist()
    return found


class TestDocuments:
    @pytest.mark.parametrize("address", DOCUMENTS, ids=lambda address: address.name)
    def test_are_read_as_they_were_written_also_by_a_later_run(self, kept: Kept, address: Address) -> None:
        first = kept.later()
        for text in ('{"a": "ä"}', "", "other"):
            first.write(address, text)
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


class TestInterrupted:
    """A run that was killed while it wrote, or had no room: the earlier file is there, or none; never a part of one."""

    @pytest.mark.parametrize("address", DOCUMENTS, ids=lambda address: address.name)
    def test_a_document_is_the_earlier_one_or_none(
        self, kept: Kept, place: Place, monkeypatch: pytest.MonkeyPatch, address: Address
    ) -> None:
        with self.NoRoom(monkeypatch), pytest.raises(OutputFailed):
            place.write(address, "new")
        with pytest.raises(InputMissing):
            kept.later().read(address)
        place.write(address, "earlier")
        with self.NoRoom(monkeypatch), pytest.raises(OutputFailed):
            place.write(address, "new")
        assert kept.later().read(address) == b"earlier"
        assert [path.name for path in kept.files() if ".part" in path.name] == []

    def test_rows_are_the_earlier_ones_or_none(self, kept: Kept, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        with self.NoRoom(monkeypatch), pytest.raises(OutputFailed):
            place.keep_rows(USERS_AT, kept.rows())
        with pytest.raises(InputMissing):
            kept.later().open_rows(USERS_AT)
        place.keep_rows(USERS_AT, kept.rows(["earlier"]))
        with self.NoRoom(monkeypatch), pytest.raises(OutputFailed):
            place.keep_rows(USERS_AT, kept.rows())
        assert values(kept.later().open_rows(USERS_AT)) == ["earlier"]
        assert [path.name for path in kept.files() if ".part" in path.name] == []

    def test_what_a_killed_run_left_of_a_write_is_not_taken_for_the_file(self, kept: Kept, place: Place) -> None:
        for address in ROWS_AT[1:]:
            place.keep_rows(address, kept.rows(["earlier"]))
        for address in DOCUMENTS:
            place.write(address, "earlier")
        for path in kept.files():
            path.with_name(f".{path.name}.x1y2.part").write_bytes(b"half")
        assert [kept.later().read(address) for address in DOCUMENTS] == [b"earlier"] * len(DOCUMENTS)
        assert values(kept.later().open_rows(USERS_AT)) == ["earlier"]
        if isinstance(place, EncryptedPlace):
            assert place.result_names("run-1") == ["dashboard.html", "statistics.json"]

    @pytest.mark.parametrize("steps", [1, 2])
    def test_a_validation_counts_only_with_its_summary(self, kept: Kept, place: Place, steps: int) -> None:
        def first_steps() -> None:
            place.keep_rows(VALID, kept.rows())
            if steps > 1:
                place.write(VALID.beside(REPORT), "{}")

        first_steps()
        self.assert_not_validated(kept)
        keep_all(place, kept)
        assert values(kept.later().open_rows(VALID)) and kept.later().read(VALID.beside(SUMMARY))
        first_steps()  # the same data again, by another version of the rules
        self.assert_not_validated(kept)

    def test_a_validation_of_which_a_file_is_gone_does_not_count(self, kept: Kept, place: Place) -> None:
        for number in range(3):
            keep_all(place, kept)
            sorted(kept.files())[number].unlink()
            self.assert_not_validated(kept)

    def assert_not_validated(self, kept: Kept) -> None:
        for read in (lambda place: place.open_rows(VALID), lambda place: place.read(VALID.beside(SUMMARY))):
            with pytest.raises(DatasetNotValidated):
                read(kept.later())
        later = kept.later()
        assert isinstance(later, EncryptedPlace | PlainPlace)
        assert not later.is_validated(SEGMENTS, DATASETS[SEGMENTS])

    class NoRoom:
        """Every file that is written finds the disk full at its end."""

        def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
            self.context = monkeypatch.context()

        def __enter__(self) -> None:
            def replace(*_: object) -> None:
                raise OSError(28, os.strerror(28))

            self.context.__enter__().setattr(Path, "replace", replace)

        def __exit__(self, *error: object) -> None:
            self.context.__exit__(None, None, None)


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
        assert len(searched) == 4
        for content in searched:
            assert PLANTED.encode() not in content and b"user_id" not in content

    def test_a_file_in_the_place_of_another_is_refused(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        key = Key()
        folders = LabFolders(kept.root, lambda _: key)
        for lab in ("lab-1", "lab-2"):
            keep_all(folders.place(lab, kept.new_folder(lab)), kept)
        for name in ("rows.parquet", "report.bin"):
            there, here = (kept.root / lab / "validated" / f"segments-{'b' * 64}" / name for lab in ("lab-2", "lab-1"))
            here.write_bytes(there.read_bytes())
        later = folders.place("lab-1", kept.new_folder("later"))
        with pytest.raises(EncryptedFileDamaged):
            later.open_rows(VALID)
        with pytest.raises(EncryptedFileDamaged):
            later.read(VALID.beside(REPORT))

    def test_without_scratch_no_rows_are_opened_or_kept(self, kept: Kept, place: Place) -> None:
        encrypted_only(place)
        keep_all(place, kept)
        outside = LabFolders(kept.root, lambda _: Key()).place(LAB)
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

        later = LabFolders(kept.root, gone).place(LAB, tmp_path)
        for read in (lambda: later.open_rows(VALID), lambda: later.read(VALID.beside(REPORT))):
            with pytest.raises(DatalabError, match="deleted"):
                read()


class TestLayout:
    """A home of an earlier version opens: paths and contexts are written out here, not computed."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Iterator[tuple[Path, EncryptedPlace, dict[str, Key]]]:
        keys = {manifest_hash: Key() for manifest_hash in DATASETS.values()}
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        yield tmp_path / "labs" / LAB, LabFolders(tmp_path / "labs", keys.__getitem__).place(LAB, scratch), keys

    def test_names_of_a_combination(self) -> None:
        assert combination({IDENTIFIERS: "ab"}) == "9a03087b7182b2ce9821a25ab03a5e37"

    def test_files_of_an_earlier_version_are_read(
        self, home: tuple[Path, EncryptedPlace, dict[str, Key]], tmp_path: Path
    ) -> None:
        folder, place, keys = home
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

        assert values(place.open_rows(VALID)) == values(place.open_rows(USERS_AT)) == ["u1"]
        documents = [VALID.beside(REPORT), VALID.beside(SUMMARY), DOCUMENTS[1], DOCUMENTS[2]]
        assert [place.read(address) for address in documents] == [b"report", b"summary", b"panel", b"statistics"]
        assert place.result_names("run-1") == ["statistics.json"]

    def test_files_are_written_where_an_earlier_version_reads_them(
        self, home: tuple[Path, EncryptedPlace, dict[str, Key]], tmp_path: Path
    ) -> None:
        folder, place, keys = home
        identifiers, segments = DATASETS.values()
        combined = combination(DATASETS)
        kept = Kept(folder, lambda _: place, tmp_path / "scratch")
        keep_all(place, kept)
        place.keep_rows(USERS_AT, kept.rows())
        for address in DOCUMENTS[1:]:
            place.write(address, "text")
        assert sorted(str(path.relative_to(folder)) for path in kept.files()) == sorted(
            [
                f"validated/segments-{segments}/report.bin",
                f"validated/segments-{segments}/rows.parquet",
                f"validated/segments-{segments}/summary.json",
                f"computed/{combined}/panels/segments_per_user.json",
                f"computed/{combined}/users.parquet",
                "results/run-1/dashboard.html",
                "results/run-1/statistics.json",
            ]
        )
        context = f"{LAB}/segments/{segments}"
        report = folder / "validated" / f"segments-{segments}" / "report.bin"
        assert PLANTED.encode() in read_encrypted(report, keys[segments], f"{context}/report")
        for key, bound, path in (
            (segments, f"{context}/rows", report.with_name("rows.parquet")),
            (identifiers, f"{LAB}/{combined}/users", folder / "computed" / combined / "users.parquet"),
        ):
            [batch] = ParquetCipher(keys[key], bound).read_batches(path)
            assert batch.num_rows == 3


def test_only_what_is_wanted_stays(tmp_path: Path) -> None:
    key, scratch = Key(), tmp_path / "scratch"
    scratch.mkdir()
    folders = LabFolders(tmp_path / "labs", lambda _: key)
    place = folders.place(LAB, scratch)
    kept = Kept(tmp_path / "labs", lambda _: place, scratch)
    newer: Datasets = {**DATASETS, SEGMENTS: "c" * 64}
    keep_all(place, kept)
    for datasets in (DATASETS, newer):
        place.write(computed(datasets, "panel"), "{}")
    for run_id in ("run-1", "run-2"):
        place.write(result(run_id, "statistics.json"), "{}")

    folders.keep_only(LAB, [newer])
    assert place.read(computed(newer, "panel")) == b"{}"
    with pytest.raises(InputMissing):
        place.read(computed(DATASETS, "panel"))
    assert not place.is_validated(SEGMENTS, DATASETS[SEGMENTS])
    folders.remove_result(LAB, "run-1")
    assert (place.result_names("run-1"), place.result_names("run-2")) == ([], ["statistics.json"])
    folders.remove_lab(LAB)
    assert kept.files() == []
    with pytest.raises(PathRefused):
        folders.remove_lab("../labs")


def test_a_place_is_one_of_three_layers() -> None:
    assert [layer.value for layer in Layer] == ["validated", "computed", "results"]
    assert [address.is_private for address in (VALID, *DOCUMENTS)] == [True, True, False, False, False]
