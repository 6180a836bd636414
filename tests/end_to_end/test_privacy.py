"""No value of a row leaves the four private reports: not to the terminal, the log, Dagster's events or another file."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from assets import validation as validation_assets
from datalab.errors import DatalabError
from datalab.kinds import DatasetKind
from datalab.validation import check as check_module
from datalab_dagster.cli import datalab
from tests.labs import EMAIL, HASH, USER_ID, wire_lab

MARK = "planted"
"""Occurs in every row; not in names of segments and age groups, which aggregates may hold."""
ROWS = {
    DatasetKind.IDENTIFIERS: [
        "planted-user,email,planted@example.com",
        "planted-user,email,planted@example.com",
        "planted-user,email,PLANTED@example.com",
        "planted-user,hem,planted-hash",
        "planted-user,planted-name,planted-id",
        "planted-user,email,",
        "planted-narrow",
        "planted,too,wide,planted",
        '"planted ""quoted""\nuser",email,"planted\n@x"',
    ],
    DatasetKind.SEGMENTS: [
        "planted-user,Sports",
        "planted-user,Sports",
        "planted-user,",
        "planted;narrow",
        "planted,too,wide",
    ],
    DatasetKind.DEMOGRAPHICS: [
        "planted-user,20-29,",
        "planted-user,20-29,f",
        "planted",
        ",planted,",
    ],
    DatasetKind.EMBEDDINGS: [
        "planted-user,scope,1,nan",
        "planted-user,scope,2,2",
        "planted-user,scope,planted-float,3",
        "planted-user,scope,planted,nan(planted)",
        "planted,too,narrow",
        "planted,,1,1",
    ],
}
KEEP, DROP = {"dropInvalidRows": False}, {"dropInvalidRows": True}


@dataclass
class Seen:
    """Everything that a run let out."""

    instance: dg.DagsterInstance
    logged: list[str] = field(default_factory=list)
    streams: str = ""

    @property
    def events(self) -> list[str]:
        """Every event of every run, whole: messages, metadata, errors with their causes and stack traces."""
        runs = self.instance.get_runs()
        assert runs
        return [
            dg.serialize_value(entry) + repr(entry) + entry.message + entry.user_message
            for run in runs
            for entry in self.instance.all_logs(run.run_id)
        ]

    def holds(self, text: str) -> list[str]:
        """Everything that was seen and holds `text`."""
        return [seen[:2000] for seen in [self.streams, *self.logged, *self.events] if text.lower() in seen.lower()]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    for kind, rows in ROWS.items():
        (tmp_path / f"{kind}.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def run(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[Any, Seen]]]:
    """Runs `datalab preflight` in this process and tells everything that came out of it."""
    with dg.DagsterInstance.ephemeral() as instance:
        seen = Seen(instance)

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                seen.logged.append(logging.Formatter().format(record) + repr(record.__dict__))

        listener = Listener(level=0)
        loggers = [logging.getLogger(), *map(logging.getLogger, ["dagster", "datalab", "pandera", "duckdb", "asyncio"])]
        monkeypatch.setattr(dg.DagsterInstance, "ephemeral", lambda *_, **__: instance)
        monkeypatch.setattr(type(instance), "__exit__", lambda *_: None)

        def preflight(*arguments: str, **keys: Any) -> tuple[Any, Seen]:
            definition = wire_lab(USER_ID, EMAIL, HASH, numEmbeddings=2, **keys)
            (lab / "LAB.json").write_text(json.dumps(definition))
            files = [part for kind in DatasetKind for part in (f"--{kind}", str(lab / f"{kind}.csv"))]
            call = ["preflight", str(lab / "LAB.json"), *files, "--out", str(lab / "out"), *arguments]
            result: Any
            try:
                result = datalab.main(call, standalone_mode=False)
            except (DatalabError, pa.ArrowInvalid) as error:
                result = error
                seen.logged.append(f"{error} {error!r}")
            captured = capfd.readouterr()
            seen.streams = captured.out + captured.err
            return result, seen

        for logger in loggers:
            logger.addHandler(listener)
        yield preflight
        for logger in loggers:
            logger.removeHandler(listener)
        monkeypatch.undo()


@pytest.mark.parametrize("keys", [DROP, KEEP], ids=["drop", "keep"])
@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["people", "machines"])
def test_a_run_lets_no_value_out(keys: dict[str, bool], arguments: list[str], run: Any, lab: Path) -> None:
    code, seen = run(*arguments, **keys)
    assert code in (0, 1)
    assert "DUPLICATE_VALUES" in seen.streams or keys is KEEP
    assert len(seen.events) > 20
    assert seen.holds(MARK) == []
    private = {lab / "out" / kind / "validation-report.json" for kind in DatasetKind}
    others = {path for path in (lab / "out").rglob("*") if path.is_file()} - private
    assert "validation-status.json" in {path.name for path in others}
    assert not [path for path in others if MARK.encode() in path.read_bytes().lower()]


def test_the_private_reports_do_hold_values(run: Any, lab: Path) -> None:
    """Otherwise the other tests would look for something that is not there."""
    run(**DROP)
    for kind in (DatasetKind.IDENTIFIERS, DatasetKind.EMBEDDINGS):
        assert MARK in (lab / "out" / kind / "validation-report.json").read_text()
        assert (lab / "out" / kind / "validation-report.json").stat().st_mode & 0o077 == 0


def test_a_planted_value_in_an_event_would_be_found(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation_assets, "_numbers", lambda *_: {"datalab/leak": "planted-user"})
    _, seen = run(**DROP)
    assert seen.holds("planted-user")


def test_a_file_that_is_no_data_lets_nothing_of_it_out(run: Any, lab: Path) -> None:
    (lab / "segments.csv").write_bytes(b'{"planted": ["planted-user"')
    (lab / "demographics.csv").write_bytes(b"PAR1planted-user" * 9 + b"\0PAR1")
    (lab / "embeddings.csv").write_bytes(b"planted\x01\x02\x03\x04" * 9)
    code, seen = run(**DROP)
    assert code == 1
    assert seen.holds(MARK) == []


def test_a_file_that_changes_meanwhile_lets_nothing_of_it_out(
    run: Any, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = check_module.failures

    def grow(*arguments: Any) -> Any:
        with (lab / "identifiers.csv").open("a") as file:
            file.write("planted-late,email,planted\n")
        return failures(*arguments)

    monkeypatch.setattr(check_module, "failures", grow)
    error, seen = run(**DROP)
    assert "changed while" in str(error)
    assert any("STEP_FAILURE" in event for event in seen.events)
    assert seen.holds(MARK) == []


def test_a_full_disk_lets_nothing_of_a_row_out(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device for planted-user")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", full)
    error, seen = run(**DROP)
    assert "No space left on device" in str(error)
    assert any("STEP_FAILURE" in event for event in seen.events)
    assert seen.holds(MARK) == []


def test_an_unforeseen_error_of_a_library_lets_nothing_of_a_row_out(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `pyarrow.compute.cast` says it, should it ever disagree with the check of floats."""

    def disagree(*_: Any) -> None:
        raise pa.ArrowInvalid("Failed to parse string: 'planted-float' as a scalar of type double")

    monkeypatch.setattr(check_module, "_typed", disagree)
    _, seen = run(**DROP)
    assert any("STEP_FAILURE" in event for event in seen.events)
    assert seen.holds(MARK) == []
