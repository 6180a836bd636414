"""Files whose invalid rows are not dropped: one bad row fails them, and then duplicates are not counted (10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.labs import Checked, make_lab

Check = Callable[..., Checked]
KEEP = make_lab(dropInvalidRows=False, numEmbeddings=2)
DATASETS = {
    "segments": ("u,s\n", ",s\n", "u,s\n", ["u", "s"]),
    "demographics": ("u,1,f\n", ",1,f\n", "u,2,m\n", ["u", "1", "f"]),
    "embeddings": ("u,s,1,\n", "u,s,x,1\n", "u,s,2,2\n", ["u", "s", "1.0", ""]),
}
"""Dataset → a right row, a wrong one, a duplicate of the right one, the right one as it survives."""


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_file_without_any_error_passes_whole(dataset: str, check: Check) -> None:
    right, _, _, row = DATASETS[dataset]
    checked = check(dataset, right, lab=KEEP)
    assert (checked.report["outcome"], checked.report["numInvalidRowsTotal"]) == ("PASSED", 0)
    assert "dropInvalidRows" not in checked.report
    assert checked.report["uniqueness"] == {"numErrorsTotal": 0, "recordedErrors": []}
    assert checked.rows[1:] == [row]


@pytest.mark.parametrize("dataset", DATASETS)
def test_one_wrong_row_fails_the_file_and_duplicates_are_not_counted(dataset: str, check: Check) -> None:
    right, wrong, duplicate, _ = DATASETS[dataset]
    checked = check(dataset, right + duplicate + wrong, lab=KEEP)
    assert (checked.report["outcome"], checked.report["numInvalidRowsTotal"]) == ("FAILED", 1)
    assert "uniqueness" not in checked.report and "dropInvalidRows" not in checked.report
    assert "DUPLICATE_VALUES" not in checked.report["numInvalidRowsByErrorCode"]
    assert checked.rows[1:] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_row_of_the_wrong_width_fails_the_file_too(dataset: str, check: Check) -> None:
    right, _, duplicate, _ = DATASETS[dataset]
    checked = check(dataset, right + duplicate + "short\n", lab=KEEP)
    assert (checked.report["outcome"], checked.report["numInvalidRowsTotal"]) == ("FAILED", 1)
    assert "uniqueness" not in checked.report
    assert checked.rows[1:] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_duplicates_alone_fail_the_file_and_are_counted(dataset: str, check: Check) -> None:
    right, _, duplicate, _ = DATASETS[dataset]
    checked = check(dataset, right + duplicate, lab=KEEP)
    assert (checked.report["outcome"], checked.report["numInvalidRowsTotal"]) == ("FAILED", 1)
    assert checked.report["uniqueness"]["numErrorsTotal"] == 1
    assert checked.rows[1:] == []


def test_a_failed_file_has_no_valid_row_among_its_facts(check: Check) -> None:
    checked = check("segments", "u,s\n,s\n", lab=KEEP)
    assert (checked.facts.rows, checked.facts.valid_rows) == (2, 0)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_file_without_rows_passes(dataset: str, check: Check) -> None:
    checked = check(dataset, "\n \n", lab=KEEP)
    assert (checked.report["outcome"], checked.report["numRowsTotal"]) == ("PASSED", 0)
    assert "originalFileSizeBytes" not in checked.report
    assert checked.rows[1:] == []


def test_identifiers_have_no_such_switch(check: Check) -> None:
    checked = check("identifiers", "u,email,A@b\nu,email,a@b\n", lab=KEEP)
    assert (checked.report["outcome"], checked.report["numValidRows"]) == ("PASSED", 1)
    assert checked.rows[1:] == [["u", "email", "a@b"]]


@pytest.mark.parametrize("keep", [True, False])
def test_a_file_that_cannot_be_read_as_rows_fails_in_both_modes(keep: bool, check: Check) -> None:
    checked = check("segments", b"\x00\x01\x02" * 9, lab=make_lab(dropInvalidRows=not keep))
    assert checked.report["outcome"] == "FAILED"
    assert checked.report["schema"]["recordedErrors"][0]["code"] == "INVALID_FILE_TYPE"
    assert "uniqueness" not in checked.report and "dropInvalidRows" not in checked.report
    assert checked.rows == [["user_id", "segment"]]
