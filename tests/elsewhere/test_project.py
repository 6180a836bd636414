"""A Dagster project of a publisher, with a Data Lab in it: the commands of `dg`, two days, one with bad rows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.commands import datalab_here, environment

BIN = Path(sys.executable).parent
GOOD, BAD = "2026-11-01", "2026-11-02"
PLANTED = "planted-4711"
DATASETS = {"identifiers": "user_id, id_name, id", "segments": "user_id, segment"}

DOCS = Path(__file__).parents[2] / "docs/dagster.md"
WITH_COMPONENTS = """from pathlib import Path

import dagster as dg
from crm.exports import defs as exports


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions.merge(exports, dg.load_from_defs_folder(path_within_project=Path(__file__).parent))
"""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Elsewhere:
    """The project in a directory of its own, and what its Dagster instance remembers."""

    root: Path
    instance: Path

    def dg(self, *words: str) -> subprocess.CompletedProcess[str]:
        variables = environment(VIRTUAL_ENV=str(BIN.parent), DAGSTER_HOME=str(self.instance))
        return subprocess.run(
            [BIN / "dg", *words], cwd=self.root, env=variables, capture_output=True, text=True, check=False, timeout=240
        )

    def prints(self, *words: str) -> str:
        done = self.dg(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def definition(self) -> str:
        """Return the definition of its lab as JSON."""
        code = "import json; from crm.exports import LAB; print(json.dumps(LAB))"
        if not (self.root / "crm/exports.py").exists():
            code = code.replace("exports", "definitions")
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout

    def report(self, dataset: str, day: str) -> bytes:
        return (self.root / "labs/crm_lab" / day / dataset / "validation-report.json").read_bytes()

    def materialised(self, day: str) -> set[str]:
        with dg.DagsterInstance.from_config(str(self.instance)) as instance:
            keys = instance.all_asset_keys()
            return {key.to_user_string() for key in keys if day in instance.get_materialized_partitions(key)}


@contextmanager
def project(folder: Path) -> Iterator[Elsewhere]:
    source, root, instance = Path(__file__).parent, folder / "project", folder / "instance"
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("*.pyc", "test_*", "conftest.py"))
    instance.mkdir()
    (instance / "dagster.yaml").touch()
    yield Elsewhere(root, instance)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with project(tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


@pytest.fixture(scope="module")
def both_days(elsewhere: Elsewhere) -> dict[str, subprocess.CompletedProcess[str]]:
    return {day: elsewhere.dg("launch", "--assets", "*", "--partition", day) for day in (BAD, GOOD)}


def reports_of_preflight(elsewhere: Elsewhere, day: str, folder: Path) -> dict[str, bytes]:
    """Return the reports of `datalab preflight` on the files that pandas writes of the warehouse's tables."""
    given: list[str | Path] = []
    with duckdb.connect(str(elsewhere.root / "warehouse.duckdb"), read_only=True) as warehouse:
        for dataset, columns in DATASETS.items():
            table = warehouse.execute(f"select {columns} from crm.{dataset} where day = ?", [day]).fetchdf()
            table.to_csv(folder / f"{dataset}.csv", index=False, header=False)
            given += [f"--{dataset}", folder / f"{dataset}.csv"]
    lab = folder / "LAB.json"
    lab.write_text(elsewhere.definition())
    done = datalab_here("preflight", lab, *given, "--out", folder / "out")
    assert done.code in (0, 1), done.err
    return {dataset: (folder / "out" / dataset / "validation-report.json").read_bytes() for dataset in DATASETS}


def test_its_definitions_load(elsewhere: Elsewhere) -> None:
    assert "All definitions loaded successfully." in elsewhere.prints("check", "defs")


def test_a_component_that_is_scaffolded_loads_and_so_does_the_one_of_the_docs(tmp_path: Path) -> None:
    with project(tmp_path) as other:
        components = other.root / "crm/defs"
        (components / "docs_lab").mkdir(parents=True)
        (other.root / "crm/definitions.py").rename(other.root / "crm/exports.py")
        (other.root / "crm/definitions.py").write_text(WITH_COMPONENTS)
        assert "datalab_dagster.DataLabComponent" in other.prints("list", "components")
        other.prints("scaffold", "defs", "datalab_dagster.DataLabComponent", "kiosk_lab")
        [shown] = re.findall(
            r"```yaml\n(type: datalab_dagster.DataLabComponent\n.*?)```", DOCS.read_text("utf-8"), re.S
        )
        (components / "docs_lab/defs.yaml").write_text(shown.replace("name: crm_lab", "name: docs_lab"))
        (components / "docs_lab/LAB.json").write_text(other.definition())
        assert "All definitions loaded successfully." in other.prints("check", "defs")
        listed = other.prints("list", "defs", "--json")
        assert "kiosk_lab/validation_status" in listed and "docs_lab/valid_segments" in listed


@pytest.mark.parametrize("day", [GOOD, BAD])
def test_the_reports_are_those_of_a_preflight(
    day: str, elsewhere: Elsewhere, both_days: dict[str, object], tmp_path: Path
) -> None:
    assert set(both_days) == {GOOD, BAD}
    expected = reports_of_preflight(elsewhere, day, tmp_path)
    assert {dataset: elsewhere.report(dataset, day) for dataset in DATASETS} == expected


def test_a_day_with_bad_rows_stops_what_is_downstream_of_them(
    elsewhere: Elsewhere, both_days: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert both_days[GOOD].returncode == 0 != both_days[BAD].returncode
    missing = elsewhere.materialised(GOOD) - elsewhere.materialised(BAD)
    assert {"audience", "crm_lab/users", "crm_lab/validation_status"} <= missing
    assert not missing & {"crm/segments", "crm_lab/valid_segments", "crm_lab/segments_validation_report"}
    assert "crm_lab/segments_validation_report: invalid_rows_tolerated" in both_days[BAD].stderr


def test_no_value_of_a_row_is_in_logs_or_events(
    elsewhere: Elsewhere, both_days: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert PLANTED.encode() in (elsewhere.root / "labs/crm_lab" / BAD / "segments/rows.parquet").read_bytes()
    told = "".join(done.stdout + done.stderr for done in both_days.values()).encode()
    told += b"".join(path.read_bytes() for path in elsewhere.instance.rglob("*") if path.is_file())
    assert b"invalid_rows_tolerated" in told and PLANTED.encode() not in told
