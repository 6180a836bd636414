"""A home that 0.1.0 wrote, opened by this version: labs, history, results, keys and users are as before."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from datalab.registry import EmbeddedPostgres
from datalab.registry.programs import binaries
from datalab_dagster.service.open import open_accounts
from tests.commands import datalab_here

HERE = Path(__file__).parent
EXPECTED: dict[str, Any] = json.loads((HERE / "expected-0.1.0.json").read_text("utf-8"))
USER = "anna@publisher.example"
PASSWORD = "correct horse battery staple 7"
TOKEN = "t33FehTNppQW76Atxs0vN4eL7V9rMLiYkvpqizAk85M="
LABS = list(EXPECTED["labs"])
IDENTIFIERS = "69923d45ebc0ff1d2335ee0458c47b9212bdd9e9fe9c7a987219b803117a5721"
SEGMENTS = "7246ceb259e01dbd6bd2588649e12f5a5dc44efcbff9acacf53cb7d894f66e0b"


@contextmanager
def restored() -> Iterator[Path]:
    """The home, put back as docs/operating.md says."""
    home = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    server = EmbeddedPostgres(home)
    try:
        with tarfile.open(HERE / "home-0.1.0.tar.xz") as archive:
            archive.extractall(home, filter="data")
        server.start()
        psql = [binaries(server.data) / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        address = [f"--host={server.data}", "--username=datalab", "--dbname=datalab"]
        subprocess.run([*psql, *address, f"--file={home / 'database.sql'}"], check=True)
        (home / "database.sql").unlink()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATALAB_HOME", str(home))
            patch.setenv("DATALAB_USER", USER)
            yield home
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with restored() as home:
        yield home


@pytest.fixture
def own_home() -> Iterator[Path]:
    with restored() as home:
        yield home


def said(*arguments: str | Path) -> Any:
    ended = datalab_here(*arguments, "--json")
    assert ended.code == 0, (arguments, ended.err)
    return ended.json


def done(*arguments: str | Path) -> str:
    ended = datalab_here(*arguments)
    assert ended.code == 0, (arguments, ended.out, ended.err)
    return ended.out


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def files_of(lab: str, run: str, folder: Path) -> dict[str, str]:
    done("results", lab, "--run", run, "--out", folder, "--reports")
    return {path.relative_to(folder).as_posix(): digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_lab_has_its_id_and_its_state(home: Path) -> None:
    found = {
        lab["name"]: (lab["id"], lab["state"]["state"] if isinstance(lab["state"], dict) else lab["state"])
        for lab in said("status")
    }
    assert found == {name: (lab["id"], lab["state"]) for name, lab in EXPECTED["labs"].items()}


@pytest.mark.parametrize("name", LABS)
def test_the_history_is_complete(home: Path, name: str) -> None:
    expected = EXPECTED["labs"][name]
    assert len(said("lab", "show", name)["events"]) == expected["events"]
    keys = ("runId", "state", "cause", "startedAt")
    assert [{key: run[key] for key in keys} for run in said("runs", name)] == expected["runs"]


@pytest.mark.parametrize("name", [name for name in LABS if EXPECTED["labs"][name]["results"]])
def test_every_result_and_report_is_the_same_byte_for_byte(home: Path, name: str, tmp_path: Path) -> None:
    expected = EXPECTED["labs"][name]["results"]
    keys = ("runId", "status", "current", "datasets")
    found = said("results", name)
    assert [{key: result[key] for key in keys} for result in found] == [
        {key: result[key] for key in keys} for result in expected
    ]
    for result in expected:
        assert files_of(name, result["runId"], tmp_path / result["runId"]) == result["files"]


def test_every_dataset_is_decrypted_with_the_keys_of_that_home(home: Path, tmp_path: Path) -> None:
    listed = {dataset["manifestHash"]: dataset for dataset in said("dataset", "list")}
    assert {key: (found["name"], found["rows"]) for key, found in listed.items()} == {
        key: (expected["name"], expected["rows"]) for key, expected in EXPECTED["datasets"].items()
    }
    for key, expected in EXPECTED["datasets"].items():
        done("dataset", "download", key, tmp_path / key)
        assert digest(tmp_path / key) == expected["sha256"]


def test_users_sign_in_and_their_tokens_are_valid(home: Path) -> None:
    assert {user["email"]: user["role"] for user in said("user", "list")} == EXPECTED["users"]
    with open_accounts(USER) as accounts:
        assert accounts.sign_in(USER, PASSWORD, address="127.0.0.1", lifetime=timedelta(hours=1))
        found = accounts.of_token(TOKEN)
    assert found is not None and found.email == USER


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_work_goes_on_after_the_upgrade(own_home: Path, tmp_path: Path) -> None:
    """The master key is rotated, the Ready lab is validated again with the same numbers, the Empty one gets Ready."""
    before = said("results", "Spring campaign")[0]
    done("keys", "rotate")
    done("dataset", "download", SEGMENTS, tmp_path / "segments.csv")
    assert digest(tmp_path / "segments.csv") == EXPECTED["datasets"][SEGMENTS]["sha256"]
    done("validate", "Spring campaign", "--again", "--wait")
    after, *earlier = said("results", "Spring campaign")
    assert after["current"] is True and after["runId"] != before["runId"]
    assert (after["status"], after["summary"]) == (before["status"], before["summary"])
    assert [result["runId"] for result in earlier] == [
        result["runId"] for result in EXPECTED["labs"]["Spring campaign"]["results"]
    ]
    done("provision", "Not provisioned yet", "--identifiers", IDENTIFIERS, "--segments", SEGMENTS)
    done("validate", "Not provisioned yet", "--wait")
