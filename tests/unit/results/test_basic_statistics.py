"""The basic statistics of a kind that the vendor's shape of the report does not have."""

from __future__ import annotations

from enum import StrEnum

import pytest

from datalab.results import statistics
from datalab.results.statistics import BasicDatasetStatistics, BasicStatistics

COMMON = {"total_rows": 3, "valid_rows": 2, "invalid_rows": 1, "invalid_rows_by_reason": {}, "distinct_user_ids": 2}
IDENTIFIERS = {**COMMON, "distinct_id_names": 1, "distinct_ids": 2}


class Kinds(StrEnum):
    """The kinds of the vendor, and a further one."""

    IDENTIFIERS = "identifiers"
    PURCHASES = "purchases"


def test_a_key_that_is_no_kind_is_ignored() -> None:
    read = BasicStatistics.model_validate({"identifiers": IDENTIFIERS, "purchases": {"anything": 1}})
    assert read.of("purchases") is None
    assert set(read.model_dump()) == {"identifiers", "segments", "demographics", "embeddings"}


def test_a_further_kind_is_kept_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "KINDS", dict.fromkeys(Kinds))
    written = BasicStatistics.model_validate({"identifiers": IDENTIFIERS, "purchases": COMMON})
    read = BasicStatistics.model_validate_json(written.model_dump_json())
    assert read.of("purchases") == BasicDatasetStatistics.model_validate(COMMON)
    assert read.of("segments") is None
