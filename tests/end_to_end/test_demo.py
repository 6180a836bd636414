"""`make demo`'s walk, small and without a terminal: it ends with a lab that was refreshed automatically, and stops."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from datalab.registry import EmbeddedPostgres
from datalab_dagster.service.open import open_service
from tests.commands import environment
from tests.up.processes import marked

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    try:
        yield folder
    finally:
        left = [process for process in marked(str(folder / "home"), "DATALAB_HOME") if process.name() != "postgres"]
        for process in left:
            process.kill()
        psutil.wait_procs(left)
        EmbeddedPostgres(folder / "home").stop()
        shutil.rmtree(folder)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_walk(folder: Path) -> None:
    ended = subprocess.run(
        ["bash", ROOT / "demo.sh"],
        env=environment(DEMO=str(folder), USERS_OF_DEMO="2000"),
        capture_output=True,
        text=True,
        timeout=500,
    )
    said = ended.stdout
    assert ended.returncode == 0, said[-3000:] + ended.stderr[-3000:]
    first, second = said.split("== 3. A refresh", 1)
    assert "Ready: All four datasets passed validation." in first
    assert "Ready: All four datasets passed validation." in second
    assert re.findall(r"^(validate_\w+) done", ended.stderr, re.MULTILINE)[:4] == [
        "validate_demographics",
        "validate_embeddings",
        "validate_identifiers",
        "validate_segments",
    ]
    assert "weekly refresh" in second and re.search(r"Portal +http://127.0.0.1:\d+", second)
    assert marked(str(folder / "home"), "DATALAB_HOME") == []
    assert not EmbeddedPostgres(folder / "home").running()
    assert validated_by_the_last_run(folder) == ["validate_segments"], "the refresh validates what is new only"


def validated_by_the_last_run(folder: Path) -> list[str]:
    with open_service("me@publisher.example", environment(DATALAB_HOME=str(folder / "home"))) as service:
        (lab,) = service.labs()
        steps = service.run(service.runs(lab.id)[0].run_id).steps
    return [step.name for step in steps if step.name.startswith("validate_") and step.state == "SUCCESS"]
