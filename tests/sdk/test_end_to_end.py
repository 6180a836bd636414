"""What the documents show works: the script of the migration page and the notebook, on a real deployment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from datalab_dagster.archv2.client import JobStatus
from datalab_dagster.archv2.errors import JobFailed
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab, DataLabBuilder
from datalab_dagster.storage import Key
from tests.sdk.labs import MATCH, SEGMENTS, held, two_ids, upload, write_files

DOCS = Path(__file__).parents[2] / "docs"


def scripts() -> tuple[str, str]:
    vendors, ours = re.findall(r"```python\n(.*?)```", (DOCS / "migration.md").read_text(), re.DOTALL)
    return vendors, ours


def test_only_the_imports_of_the_scripts_differ() -> None:
    vendors, ours = scripts()
    assert vendors.replace("decentriq_platform", "datalab_dagster") == ours


@pytest.mark.slow
def test_the_script_of_the_migration_page_runs(environment: dict[str, str], tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "segments.csv").write_text("".join(f"u{user},s{segment}\n" for user in (1, 2) for segment in range(12)))
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", scripts()[1]]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert ended.stdout in ("SUCCESS\n", "FAILED\n"), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_lab_from_upload_to_results(client: Client, colleague: Client, tmp_path: Path) -> None:
    files = write_files(tmp_path)
    lab = two_ids(client, "End to end").with_segments().with_demographics().with_embeddings(2).build()
    lab.provision_local_datasets(
        Key(), files["identifiers"], files["segments"], files["demographics"], files["embeddings"]
    )
    lab.run()
    reports = lab.get_validation_report(timeout=180)
    assert list(reports) == ["identifiers", "segments", "demographics", "embeddings"]
    assert lab.is_validation_passed(reports)
    statistics = lab.get_statistics_report(timeout=10)
    basic = statistics["basic_statistics"]
    assert [basic[kind]["distinct_user_ids"] for kind in reports] == [2, 2, 2, 2]
    assert statistics["remarketing_activation_potential"]["email"]["userId"]["reachable_activation_ids"] == 2
    rows = {dataset.name: dataset.rows for dataset in client.service.datasets() if lab.id in dataset.labs}
    assert rows == {"identifiers": 4, "segments": 3, "demographics": 2, "embeddings": 2}
    assert set(lab.get_validation_status()["datasets"]) == set(reports)
    assert DataLab.is_data_lab_validated(client.client_v2, lab.id, b"")
    (run,) = client.service.runs(lab.id)
    assert client.client_v2.get_job_status(run.run_id)["status"] is JobStatus.SUCCESS
    assert "distinct user ids" in lab._repr_html_()
    assert client.get_data_lab(lab.id)["isValidated"]
    assert json.loads(str(client.get_data_lab(lab.id)["statistics"])) is not None

    client.service.set_lab_owners(lab.id, [client.user_email, colleague.user_email])
    other = DataLabBuilder(colleague).from_existing(lab.id).build()
    assert other.get_statistics_report() == statistics
    assert len(client.service.runs(lab.id)) == 1, "results of the same data are taken"

    lab.provision_dataset(upload(client, SEGMENTS), Key(), MATCH)
    assert not DataLab.is_data_lab_validated(client.client_v2, lab.id, b""), "its data have changed"


@pytest.mark.slow
def test_a_run_that_breaks_off_tells_why(client: Client, home: Path, tmp_path: Path) -> None:
    files = write_files(tmp_path)
    lab = two_ids(client, "Broken").build()
    lab.provision_local_datasets(Key(), files["identifiers"])
    damage(home, held(lab)["identifiers"])
    lab.run()
    with pytest.raises(JobFailed, match=r"(?s)^Job '.*' failed with errors: .*[Cc]hunk 0") as error:
        lab.get_statistics_report(timeout=180)
    assert error.value.run.reason is not None
    assert "a@x.org" not in str(error.value)
    assert lab.info.state.state.value == "Failed"


def damage(home: Path, manifest_hash: str) -> None:
    """Change a stored chunk of a dataset."""
    manifest = json.loads((home / "store" / "datasets" / manifest_hash).read_text())
    (chunk,) = (home / "store" / "uploads" / manifest["upload"]).glob("00000000-*")
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)


@pytest.mark.slow
def test_the_notebook_runs(environment: dict[str, str], tmp_path: Path) -> None:
    notebook: Any = nbformat.read(DOCS / "notebook" / "data-lab.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are not kept in the repository"
    runner = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    runner.execute(env=environment)
    shown = [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "execute_result"
    ]
    assert shown[1]["text/plain"].startswith("(True, ")
    assert any("Ready" in data.get("text/html", "") for data in shown)
    assert shown[-1]["text/plain"] == "'SUCCESS'"
