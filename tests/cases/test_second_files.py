"""Every case has a second file of its kind: other data, another dataset or another form of the same error."""

from __future__ import annotations

from pathlib import Path

import pytest

from datalab.lab import lab_from_dict, load_lab
from datalab.validation.stream import validate
from tests.cases.test_cases import CASES, HERE, ONE_ID, files
from tests.cases.test_kinds import MADE

TESTS = Path(__file__).parents[1]
OF_HINTS = {
    "01-extra-column": "counting column",
    "02-embedding-as-array": "array without quotes",
    "03-decimal-comma": "semicolons and decimal commas",
    "04-header-spelled-otherwise": "German header",
    "05-header-repeated": "header in the middle only",
    "06-sep-line": "sep= in quotes",
    "07-blanks-around-hashes": "blanks before every segment",
    "08-phone-from-spreadsheet": "phones as 4,47E+11",
    "09-login-page": "XML",
    "10-footer-of-sql-shell": "psql footer",
    "11-zero-width-characters": "byte order mark in ids",
    "12-plain-addresses-not-hashed": "plain phones",
    "13-sha1-instead-of-sha256": "SHA-1 in upper case",
    "14-zero-maids": "hash of zeros",
}
"""Case → the file of `test_kinds`, which `datalab check` answers with the hint of the case."""
OF_TESTS = {
    "15-quote-swallows-rows": ("cases/test_names.py", "test_no_user_id_is_shown_of_rows_that_became_a_name"),
    "16-right-names-with-line-breaks": ("cases/test_names.py", "test_right_names_are_shown_and_the_lab_is_ready"),
    "17-parts-in-a-drop-zone": ("living/test_drop_zone_parts.py", "test_parts_become_one_dataset_once_all_are_there"),
    "18-end-of-time": ("unit/ingest/test_parquet_ends.py", "test_the_text_is_that_of_the_usual_timestamps"),
}
"""Case → the test that makes further files of its kind."""


def test_every_case_has_a_second_file() -> None:
    assert {*OF_HINTS, *OF_TESTS} == set(CASES)
    for path, name in OF_TESTS.values():
        assert f"def {name}(" in (TESTS / path).read_text("utf-8")


@pytest.mark.parametrize("case", OF_HINTS)
def test_the_second_file_is_another_one_with_the_same_error(case: str) -> None:
    second = MADE[OF_HINTS[case]]
    ((kind, path),) = files(case, CASES[case]).items()
    definition = HERE / case / "LAB.json"
    outcome = validate(path, kind, load_lab(definition) if definition.exists() else lab_from_dict(ONE_ID))
    assert second.code in {hint.code for hint in outcome.facts.hints}
    assert second.text.encode() != path.read_bytes()
