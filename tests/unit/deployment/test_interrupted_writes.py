"""Writes of computed files that do not come to their end, in both places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datalab.deployment.addresses import (
    REPORT,
    SUMMARY,
    Address,
)
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.places import Place
from datalab.deployment.plain_place import PlainPlace
from datalab.deployment.sets import COMPLETE
from datalab.errors import InputMissing, OutputFailed
from tests.unit.deployment.kept import (
    DATASETS,
    DOCUMENTS,
    PLANTED,
    ROWS_AT,
    SEGMENTS,
    USERS_AT,
    VALID,
    Kept,
    keep_all,
    values,
    write,
)


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
        write(place, kept, address, "earlier")
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
            write(place, kept, address, "earlier")
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
        first_steps()  # the same data again
        if isinstance(place, PlainPlace):
            self.assert_not_validated(kept)
        else:  # the earlier set is there until the new one is complete
            assert values(kept.later().open_rows(VALID)) == [PLANTED, "u1", "u2"]

    def test_a_validation_of_which_a_file_is_gone_is_never_read_as_if_it_were_whole(
        self, kept: Kept, place: Place
    ) -> None:
        keep_all(place, kept)
        for number in range(len(kept.files())):
            keep_all(place, kept)
            gone = sorted(kept.files())[number]
            gone.unlink()
            failed = 0
            for read in (
                lambda place: place.open_rows(VALID),
                lambda place: place.read(VALID.beside(REPORT)),
                lambda place: place.read(VALID.beside(SUMMARY)),
            ):
                try:
                    read(kept.later())
                except (DatasetNotValidated, InputMissing):
                    failed += 1
            assert failed >= (3 if gone.name == COMPLETE else 1)
            with pytest.raises((DatasetNotValidated, InputMissing)):
                kept.later().verify(VALID)

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
