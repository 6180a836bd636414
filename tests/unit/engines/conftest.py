"""Each test of this folder that asks for `engine` or `under_test` runs once for every engine of `tests.engines`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab.engines import Engine
from tests.engines import ENGINES, EngineUnderTest


@pytest.fixture(params=ENGINES, ids=str)
def under_test(request: pytest.FixtureRequest) -> EngineUnderTest:
    engine: EngineUnderTest = request.param
    return engine


@pytest.fixture
def engine(under_test: EngineUnderTest, tmp_path: Path) -> Iterator[Engine]:
    with under_test.open("500MB", tmp_path, 1) as engine:
        yield engine
