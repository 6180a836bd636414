"""The test of `tests/living/test_plain_text.py` on both homes; what is in the bucket is searched too."""

import os
from collections.abc import Iterator

import pytest
from upath import UPath

from tests.living import test_plain_text
from tests.living.test_plain_text import holds_planted
from tests.storage_home.again import again

globals().update(again(test_plain_text))


@pytest.fixture(autouse=True)
def bucket(storage: None) -> Iterator[None]:
    """Search the bucket when the test is over."""
    yield
    address = os.environ.get("DATALAB_STORAGE_URL")
    if address is None:
        return
    searched = 0
    for path in UPath(address).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            searched += len(content)
            assert not holds_planted(content) and not holds_planted(path.name.encode()), path
    assert searched > 100_000, "datasets, rows, reports and results are there"
