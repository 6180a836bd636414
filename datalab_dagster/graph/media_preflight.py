"""Runs a room on local files: the lab's datasets through the asset graph, then what the room answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from datalab.collaboration import CollaborationType
from datalab.deployment.addresses import ROWS, STATISTICS_REPORT
from datalab.deployment.handles import StoredRows, load
from datalab.errors import InputMissing, OutputFailed
from datalab.kinds import DatasetKind
from datalab.media.base import build_base
from datalab.media.lookalikes import GivenScores
from datalab.media.privacy import Noise, laplace, no_noise
from datalab.media.results import RoomResults
from datalab.media.room import Room
from datalab.media.seed import ValidSeed, validate_seed
from datalab.results import files as result_files
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.scratch import publish, scratch_directory, why, write_whole
from datalab.statistics import Readiness, readiness
from datalab_dagster.graph.preflight import PreflightOptions, lab_for, run_graph
from resources import STATUS, PreflightRun, Progress, SqlEngine

RESULTS = "results.json"
SEED = "seed"
"""The folder of the seed's private report."""
BASE_FAILED, SEED_FAILED = "BASE_FAILED", "SEED_FAILED"
INCOMPATIBLE_MATCHING_ID = "INCOMPATIBLE_MATCHING_ID"


@dataclass(frozen=True)
class RoomPreflight:
    """What a preflight of a room found."""

    room: Room
    status: ValidationStatus
    readiness: Readiness
    seed: ValidSeed
    out: Path
    error: str | None = None
    """Why there are no results."""
    missing_extra: str | None = None
    """What to install for lookalike models."""

    @property
    def obstacles(self) -> list[str]:
        """Why a DCR would refuse the lab, a sentence each; empty: it would not."""
        found = [f"{finding.code}: {finding.message}." for finding in _findings(self.status)]
        if self.room.matching_id is None:
            wanted = self.room.dcr.matching_id_type.value
            found.append(f"The lab needs exactly one identifier of type {wanted} with isMatchingId.")
        for kind in CollaborationType:
            missing = self.readiness.root[kind].missing if kind in self.room.types else []
            found += [f"{kind.value} needs {part.filled}." for part in missing]
        return found

    @property
    def passed(self) -> bool:
        """Whether a DCR would accept the lab, and every result is there."""
        return not (self.error or self.obstacles or self.missing_extra or self.status.status != "SUCCESS")


def _findings(status: ValidationStatus) -> list[Finding]:
    of_statistics = status.statistics.data_errors if status.statistics else []
    return [*(error for dataset in status.datasets.values() for error in dataset.errors), *of_statistics]


def preflight_room(
    room: Room, files: Mapping[DatasetKind, Path], seed: Path, scores: Path | None, out: Path, progress: Progress
) -> RoomPreflight:
    """Validate the lab's files and the seed, compute what the room answers, and write the results to `out`.

    Raises:
        UsageError, ConfigurationError: lab and files do not match; nothing was read.
        InputError: a file is missing, changed while it was read, or a result could not be written.
    """
    lab = lab_for(room.lab, files).model_copy(update={"drop_invalid_rows": True})
    room = replace(room, lab=lab)
    for path in (*files.values(), seed, *([scores] if scores else [])):
        if not path.exists():
            raise InputMissing(path)
    with scratch_directory(out) as scratch:
        run = PreflightRun(scratch, lab, files, previous=out)
        run_graph(run, progress, PreflightOptions(), dg.AssetSelection.assets(STATUS).upstream())
        valid_seed = validate_seed(seed, room.dcr.matching_id_type, scratch / "seed.parquet")
        statistics = load(run.place, run.computed(STATISTICS_REPORT), StatisticsResultV2)
        status = load(run.place, run.result(result_files.VALIDATION_STATUS), ValidationStatus)
        found = RoomPreflight(room, status, readiness(lab, statistics), valid_seed, out)
        results = scratch / RESULTS
        found = replace(found, error=_error(run, found))
        if found.error is None:
            found = replace(found, missing_extra=_write_results(run, found, _noise(room, files, seed), scores, results))
        else:
            write_whole(results, json.dumps({"error": found.error}))
        _move_out(run, found, results)
    return found


def _error(run: PreflightRun, found: RoomPreflight) -> str | None:
    """Return why nothing can be computed."""
    if any(_rows(run, kind).summary.outcome == "FAILED" for kind in run.definition.datasets):
        return BASE_FAILED
    if not found.seed.is_readable:
        return SEED_FAILED
    return INCOMPATIBLE_MATCHING_ID if found.room.matching_id is None else None


def _rows(run: PreflightRun, kind: DatasetKind) -> StoredRows:
    return StoredRows(run.validated(kind, ROWS), run.place)


def _write_results(
    run: PreflightRun, found: RoomPreflight, noise: Noise, scores: Path | None, results: Path
) -> str | None:
    """Compute and write the results; return what to install if a model was not."""
    rows = {kind: _rows(run, kind).open() for kind in run.definition.datasets}
    with SqlEngine().open(run.scratch) as engine:
        base = build_base(engine, found.room, rows, found.seed)
        answers = RoomResults(base, noise, GivenScores(base, scores), run.scratch)
        answers.write(results)
        return answers.missing_extra


def _noise(room: Room, files: Mapping[DatasetKind, Path], seed: Path) -> Noise:
    """Return the noise of a room. It needs no secret: the person who runs the command has the data."""
    if room.privacy.noise == "off":
        return no_noise
    secret = hashlib.sha256(room.dcr.id.encode()).digest()
    return laplace(secret, [_sha256(path) for path in (*files.values(), seed)])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _move_out(run: PreflightRun, found: RoomPreflight, results: Path) -> None:
    """Move the results out, only when all of them are there."""
    report = found.seed.report.model_dump_json(by_alias=True)
    write_whole(run.place.results / SEED / result_files.VALIDATION_REPORT.name, report)
    names = [result_files.VALIDATION_STATUS.name, *(_report(kind.value) for kind in run.definition.datasets)]
    try:
        found.out.chmod(0o700)
        for name in (*names, _report(SEED)):
            (found.out / name).parent.mkdir(exist_ok=True, mode=0o700)
            publish(run.place.results / name, found.out / name)
        publish(results, found.out / RESULTS)
    except OSError as error:
        raise OutputFailed(found.out, why(error)) from None


def _report(folder: str) -> str:
    return f"{folder}/{result_files.VALIDATION_REPORT.name}"
