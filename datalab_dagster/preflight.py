"""Runs the asset graph for files on this machine, in process, without server and database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS, data_labs
from datalab.errors import InputMissing, UsageError
from datalab.lab import DatasetKind, LabDefinition, lab_from_dict
from datalab.results import ValidationStatus
from datalab.scratch import publish, scratch_directory
from datalab.statistics.datasets import ValidatedDataset
from resources import PreflightWorkspace, Progress
from resources.workspace import REPORT_NAME, STATUS_NAME

_PARTITION = "preflight"
_REQUIRED_BY = {
    DatasetKind.SEGMENTS: "require_segments",
    DatasetKind.DEMOGRAPHICS: "require_demographics",
    DatasetKind.EMBEDDINGS: "require_embeddings",
}


@dataclass(frozen=True)
class PreflightResult:
    """What a preflight found, dataset by dataset, and where its reports lie."""

    lab: LabDefinition
    status: ValidationStatus
    datasets: dict[DatasetKind, ValidatedDataset]
    reports: dict[DatasetKind, Path]
    status_file: Path
    seconds: float

    @property
    def passed(self) -> bool:
        return self.status.status == "SUCCESS"


def lab_for(lab: LabDefinition, files: Mapping[DatasetKind, Path]) -> LabDefinition:
    """Return `lab` with the datasets in `files` turned on where its definition does not say.

    Raises:
        UsageError: the definition rules out a dataset that a file was given for, or a file is missing for one it has.
        ConfigurationError: a dataset that is turned on needs more configuration.
    """
    given = dict(lab.model_dump(by_alias=True, mode="json", include=lab.model_fields_set))
    problems = []
    for kind, field in _REQUIRED_BY.items():
        key = LabDefinition.model_fields[field].alias or field
        if kind not in files and getattr(lab, field):
            problems.append(f"The lab has {kind.value} ({key} is true): give its file with --{kind.value}.")
        elif kind in files and field not in lab.model_fields_set:
            given[key] = True
        elif kind in files and not getattr(lab, field):
            problems.append(
                f"The lab has no {kind.value} ({key} is false): leave --{kind.value} out or set {key} to true."
            )
    if DatasetKind.IDENTIFIERS not in files:
        problems.append("Every lab has identifiers: give the file with --identifiers.")
    if problems:
        raise UsageError("\n".join(problems))
    return lab_from_dict(given)


def preflight(lab: LabDefinition, files: Mapping[DatasetKind, Path], out: Path, progress: Progress) -> PreflightResult:
    """Validate `files` as the datasets of `lab` through the asset graph and write reports and status to `out`.

    Raises:
        UsageError, ConfigurationError: lab and files do not go together; nothing was read.
        InputError: a file is missing, changed while it was read, or a result could not be written.
    """
    lab = lab_for(lab, files)
    for path in files.values():
        if not path.exists():
            raise InputMissing(path)
    started = time.perf_counter()
    with scratch_directory(out) as scratch, dg.DagsterInstance.ephemeral() as instance:
        workspace = PreflightWorkspace(
            root=str(scratch),
            definition_json=lab.model_dump_json(by_alias=True),
            uploads={kind.value: str(path.absolute()) for kind, path in files.items()},
            out=str(scratch / "results"),
        )
        instance.add_dynamic_partitions(data_labs.name or "", [_PARTITION])
        dg.materialize(
            ALL_ASSETS,
            instance=instance,
            partition_key=_PARTITION,
            resources={"workspace": workspace, "progress": progress},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        summaries = {
            kind: ValidatedDataset.model_validate_json(workspace.summary(_PARTITION, kind).read_bytes())
            for kind in lab.datasets
        }
        status = ValidationStatus.model_validate_json(workspace.status(_PARTITION).read_bytes())
        # Results of one run belong together: they are moved out only when all of them are there.
        results = workspace.results(_PARTITION)
        for result in sorted(path for path in results.rglob("*") if path.is_file()):
            target = out / result.relative_to(results)
            target.parent.mkdir(parents=True, exist_ok=True)
            publish(result, target)
    return PreflightResult(
        lab=lab,
        status=status,
        datasets=summaries,
        reports={kind: out / kind.value / REPORT_NAME for kind in lab.datasets},
        status_file=out / STATUS_NAME,
        seconds=time.perf_counter() - started,
    )
