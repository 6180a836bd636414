"""A Dagster project of a publisher in which the wheel and the real package dagster-duckdb-pandas are installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.second_project import Elsewhere, project
from tests.wheel.conftest import Installed, directory, installation

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

DAY = "2026-11-01"


@pytest.fixture(scope="module")
def publishers(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The package demands pandas before 3."""
    override = tmp_path_factory.mktemp("override") / "override.txt"
    override.write_text("pandas>=3\n")
    with installation(wheel, "dagster-dg-cli", "dagster-duckdb-pandas", "--override", str(override)) as found:
        yield found


@pytest.fixture
def elsewhere(publishers: Installed) -> Iterator[Elsewhere]:
    with directory() as folder, project(folder, publishers.bin) as found:
        definitions = found.root / "crm/definitions.py"
        text = definitions.read_text()
        assert "from crm.warehouse import" in text
        definitions.write_text(text.replace("from crm.warehouse import", "from dagster_duckdb_pandas import"))
        yield found


def test_its_lab_is_checked_and_materialised(elsewhere: Elsewhere) -> None:
    assert "All definitions loaded successfully." in elsewhere.prints("check", "defs")
    elsewhere.prints("launch", "--assets", "*", "--partition", DAY)
    status = json.loads((elsewhere.root / "labs/crm_lab" / DAY / "validation-status.json").read_text())
    assert status["status"] == "SUCCESS" and "audience" in elsewhere.materialised(DAY)
