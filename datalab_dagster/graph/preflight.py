"""Runs the asset graph for files on this machine, in process, without server and database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS, data_labs
from datalab.deployment.addresses import COMPARISON, ROWS, STATISTICS_REPORT
from datalab.deployment.handles import StoredRows, load
from datalab.engines import DEFAULT_MEMORY_LIMIT
from datalab.errors import InputMissing, UsageError
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition, lab_from_dict
from datalab.results import files as result_files
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.scratch import publish, scratch_directory
from datalab.statistics import Comparison, Readiness, ValidatedDataset, readiness
from datalab.statistics.cause import Evidence
from datalab.statistics.datasets import shown_hints
from resources import IO_MANAGERS, FindingThresholds, PreflightRun, Progress, ResultOptions, SqlEngine
from resources.preflight import PREFLIGHT

_NO_DEBUG_MESSAGES = {"python_logs": {"python_log_level": "INFO"}}
"""An IO manager writes several for each input, and a preflight shows none."""
SHARING_MINIMUM = 10
"""Counts below this limit are hidden on a dashboard for sharing."""


@dataclass(frozen=True)
class PreflightOptions:
    """The options of a preflight."""

    statistics_version: int = 2
    """Format of the statistics."""
    minimum_count: int = 0
    """Counts below this limit are hidden on the dashboard."""
    limits: dict[str, float] = field(default_factory=dict)
    """Limits of findings that differ from the defaults."""
    memory: str = DEFAULT_MEMORY_LIMIT
    """How much memory the SQL engine may use."""


@dataclass(frozen=True)
class PreflightResult:
    """The findings of a preflight, and the paths of its results."""

    lab: LabDefinition
    status: ValidationStatus
    datasets: dict[DatasetKind, ValidatedDataset]
    statistics: StatisticsResultV2
    comparison: Comparison | None
    """The changes since the previous run; None if there was none."""
    readiness: Readiness
    matchable: MatchableUsers
    """Not in the statistics."""
    out: Path
    evidence: Evidence = field(default_factory=Evidence)
    """What else is known of the datasets: hints, and what is recognised in the files."""
    seconds: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds of every step of the graph."""

    @property
    def passed(self) -> bool:
        """Whether the lab would be Ready."""
        return self.status.status == "SUCCESS"

    def report(self, kind: DatasetKind) -> Path:
        """Return the path of the private validation report of `kind`."""
        return self.out / kind.value / result_files.VALIDATION_REPORT.name


def lab_for(lab: LabDefinition, files: Mapping[DatasetKind, Path]) -> LabDefinition:
    """Return `lab` with the datasets in `files` turned on, unless its definition decides.

    Raises:
        UsageError: a file was given for a dataset that the definition excludes, or is missing for one it has.
        ConfigurationError: a dataset that is turned on needs more configuration.
    """
    given = dict(lab.model_dump(by_alias=True, mode="json", include=lab.model_fields_set))
    problems = []
    for kind, declared in KINDS.items():
        flag, key, option = declared.flag, declared.flag_key, declared.option
        if flag is None or key is None:
            if kind not in files:
                problems.append(f"Every lab has {kind.value}: give the file with {option}.")
        elif kind not in files and declared.is_in(lab):
            problems.append(f"The lab has {kind.value} ({key} is true): give its file with {option}.")
        elif kind in files and flag not in lab.model_fields_set:
            given[key] = True
        elif kind in files and not declared.is_in(lab):
            problems.append(f"The lab has no {kind.value} ({key} is false): omit {option} or correct {key}.")
    if problems:
        raise UsageError("\n".join(problems))
    return lab_from_dict(given)


def preflight(
    lab: LabDefinition,
    files: Mapping[DatasetKind, Path],
    out: Path,
    progress: Progress,
    options: PreflightOptions | None = None,
) -> PreflightResult:
    """Validate and profile `files` as the datasets of `lab` through the asset graph; write all results to `out`.

    Raises:
        UsageError, ConfigurationError: lab and files do not match; nothing was read.
        InputError: a file is missing, changed while it was read, or a result could not be written.
    """
    options = options or PreflightOptions()
    lab = lab_for(lab, files)
    for path in files.values():
        if not path.exists():
            raise InputMissing(path)
    started = time.perf_counter()
    with scratch_directory(out) as scratch:
        run = PreflightRun(scratch, lab, files, previous=out)
        steps = run_graph(run, progress, options)
        result = _result(run, out)
        _move_out(run.place.results, out)
    return replace(result, seconds=time.perf_counter() - started, steps=steps)


def run_graph(
    run: PreflightRun,
    progress: Progress,
    options: PreflightOptions,
    selection: dg.AssetSelection | None = None,
) -> dict[str, float]:
    """Materialise the graph, or the `selection` of it, on an ephemeral instance; return the seconds of every step.

    Raises:
        DatalabError: as the assets raise it.
        KeyboardInterrupt: the run was interrupted.
    """
    try:
        events = _materialize(run, progress, options, selection).all_events
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    return {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in events
        if event.event_type is dg.DagsterEventType.STEP_SUCCESS and event.step_key
    }


def _materialize(
    run: PreflightRun, progress: Progress, options: PreflightOptions, selection: dg.AssetSelection | None
) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral(settings=_NO_DEBUG_MESSAGES) as instance:
        instance.add_dynamic_partitions(data_labs.name or "", [PREFLIGHT])
        return dg.materialize(
            ALL_ASSETS,
            instance=instance,
            partition_key=PREFLIGHT,
            selection=selection,
            resources={
                "run": run,
                **IO_MANAGERS,
                "workspace": ResultOptions(
                    statistics_version=options.statistics_version, minimum_count=options.minimum_count
                ),
                "progress": progress,
                "sql": SqlEngine(memory_limit=options.memory),
                "thresholds": FindingThresholds(limits=options.limits),
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def _result(run: PreflightRun, out: Path) -> PreflightResult:
    """Return what the run has found, with the folder where its results will be."""
    statistics = load(run.place, run.computed(STATISTICS_REPORT), StatisticsResultV2)
    comparison = load(run.place, run.computed(COMPARISON), Comparison)
    datasets = {kind: StoredRows(run.validated(kind, ROWS), run.place).summary for kind in run.definition.datasets}
    return PreflightResult(
        lab=run.definition,
        status=load(run.place, run.result(result_files.VALIDATION_STATUS), ValidationStatus),
        datasets=datasets,
        statistics=statistics,
        comparison=comparison if comparison.changes else None,
        readiness=readiness(run.definition, statistics),
        matchable=load(run.place, run.result(result_files.MATCHABLE_USERS), MatchableUsers),
        out=out,
        evidence=run.evidence(shown_hints(datasets)),
    )


def _move_out(results: Path, out: Path) -> None:
    """Move the results out, only when all of them are there: those of one run belong together."""
    if not (results / result_files.COMPARISON.name).exists():
        (out / result_files.COMPARISON.name).unlink(missing_ok=True)
    for result in sorted(path for path in results.rglob("*") if path.is_file()):
        target = out / result.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        publish(result, target)
