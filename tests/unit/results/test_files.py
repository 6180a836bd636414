"""The files of a result, their zips, and the names that the API offers for them."""

from __future__ import annotations

import io
import zipfile

import pytest

from datalab.results.files import AGGREGATES, RESULT_FILES, SHARED, Audience, ResultFile
from datalab_dagster.portal.api.results import FileName
from datalab_dagster.portal.api.shared import SharedName


@pytest.mark.parametrize("file", RESULT_FILES, ids=lambda file: file.name)
def test_a_zip_holds_the_file_alone_and_always_in_the_same_bytes(file: ResultFile) -> None:
    zipped = file.zipped(b"{}")
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.namelist() == [file.name]
        assert archive.read(file.name) == b"{}"
    assert file.zipped(b"{}") == zipped
    assert file.zip_name.removesuffix(".zip") == file.name.rpartition(".")[0]


def test_who_sees_which_file() -> None:
    assert set(SHARED) < set(AGGREGATES) < {file.name for file in RESULT_FILES}
    private = [file for file in RESULT_FILES if file.name not in AGGREGATES]
    assert [file.audience for file in private] == [Audience.PRIVATE]


def test_the_api_offers_every_file_to_its_audience() -> None:
    assert set(FileName) == set(AGGREGATES)
    assert set(SharedName) == set(SHARED)
