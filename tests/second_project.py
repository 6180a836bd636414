"""The Dagster project in tests/elsewhere, in a directory of its own; no test is here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from tests.commands import environment

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Elsewhere:
    """The project in a directory of its own, and what its Dagster instance remembers."""

    root: Path
    instance: Path
    bin: Path = BIN

    def dg(self, *words: str) -> subprocess.CompletedProcess[str]:
        variables = environment(VIRTUAL_ENV=str(self.bin.parent), DAGSTER_HOME=str(self.instance))
        return subprocess.run(
            [self.bin / "dg", *words],
            cwd=self.root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
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
def project(folder: Path, bin: Path = BIN) -> Iterator[Elsewhere]:
    """Yield the project as a copy in `folder`, with the commands in `bin`."""
    source, root, instance = Path(__file__).with_name("elsewhere"), folder / "project", folder / "instance"
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("*.pyc", "test_*", "conftest.py"))
    instance.mkdir()
    (instance / "dagster.yaml").touch()
    yield Elsewhere(root, instance, bin)
