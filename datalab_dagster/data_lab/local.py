"""A preflight from Python: checks files against a lab's definition on this machine, without a deployment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalab.kinds import MATCHING, DatasetKind
from datalab.lab import LabDefinition, lab_from_dict, load_lab
from datalab.scratch import scratch_directory
from datalab.statistics.datasets import shown_hints
from datalab_dagster.archv2.errors import MatchingPathMissing
from datalab_dagster.data_lab.api import IdentifiersValidationReport, ValidationReport
from datalab_dagster.data_lab.builder import DataLabBuilder
from datalab_dagster.data_lab.config import DataLabConfig
from datalab_dagster.data_lab.data_lab import DataLab
from datalab_dagster.data_lab.validation_reports import ValidationReports

if TYPE_CHECKING:
    from datalab_dagster.graph.preflight import PreflightResult

Lab = DataLab | DataLabBuilder | DataLabConfig | LabDefinition | Mapping[str, Any] | str | os.PathLike[str]


@dataclass(frozen=True)
class Preflight:
    """The findings of a preflight, in the shapes of `DataLab`'s reports.

    Attributes:
        passed: whether a lab with these files would be Ready.
        validation_reports: the private reports; `formatted_reports` is what `get_validation_report` returns.
        statistics: what `get_statistics_report` returns.
        status: what `get_enhanced_validation_status` returns.
        seconds: the duration.
        out: the folder of the results, if one was given.
    """

    passed: bool
    validation_reports: ValidationReports
    statistics: dict[str, Any]
    status: dict[str, Any]
    seconds: float
    out: Path | None = None


def preflight(
    lab: Lab,
    matching_data_path: str | os.PathLike[str],
    segments_data_path: str | os.PathLike[str] | None = None,
    demographics_data_path: str | os.PathLike[str] | None = None,
    embeddings_data_path: str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
) -> Preflight:
    """Validate and profile files as the datasets of a lab, with the same asset graph, before they are uploaded.

    Args:
        lab: a lab, a builder, a configuration, a definition (also as a dictionary in wire keys), or the file of one.
        matching_data_path: the identifiers; the others as in `DataLab.provision_local_datasets`.
        out: the folder for reports, statistics and dashboard; by default nothing is kept.

    Raises:
        UsageError, ConfigurationError: lab and files do not match; nothing was read.
        InputError: a file is missing, or cannot be read.

    Example:
        >>> found = preflight("LAB.json", "identifiers.csv", "segments.csv")  # doctest: +SKIP
        >>> found.passed  # doctest: +SKIP
        True
    """
    given = {
        DatasetKind.IDENTIFIERS: matching_data_path,
        DatasetKind.SEGMENTS: segments_data_path,
        DatasetKind.DEMOGRAPHICS: demographics_data_path,
        DatasetKind.EMBEDDINGS: embeddings_data_path,
    }
    files = {kind: Path(path) for kind, path in given.items() if path is not None}
    if not os.fspath(matching_data_path).strip():
        raise MatchingPathMissing
    definition = _definition(lab)
    if out is not None:
        return _run(definition, files, Path(out), keep=True)
    with scratch_directory() as scratch:
        return _run(definition, files, scratch, keep=False)


def _run(definition: LabDefinition, files: Mapping[DatasetKind, Path], out: Path, *, keep: bool) -> Preflight:
    from datalab_dagster.graph import preflight as graph
    from datalab_dagster.terminal.checks import shown_progress

    with shown_progress(for_machines=True) as progress:
        result = graph.preflight(definition, files, out, progress)
    return Preflight(
        passed=result.passed,
        validation_reports=_reports(result),
        statistics=result.statistics.model_dump(),
        status=result.status.model_dump(),
        seconds=result.seconds,
        out=out if keep else None,
    )


def _reports(result: PreflightResult) -> ValidationReports:
    hints = shown_hints(result.datasets)
    texts = {kind: result.report(kind).read_bytes() for kind in result.lab.datasets}
    others = {
        kind.value: ValidationReport.model_validate_json(text).with_hints(hints[kind])
        for kind, text in texts.items()
        if kind is not MATCHING
    }
    identifiers = IdentifiersValidationReport.model_validate_json(texts[MATCHING]).with_hints(hints[MATCHING])
    return ValidationReports(identifiers, **others)


def _definition(lab: Lab) -> LabDefinition:
    if isinstance(lab, DataLabBuilder):
        lab = lab.config()
    if isinstance(lab, DataLab):
        return lab.info.definition
    if isinstance(lab, DataLabConfig):
        lab = lab.to_wire()
    if isinstance(lab, LabDefinition):
        return lab
    if isinstance(lab, Mapping):
        return lab_from_dict(json.loads(json.dumps(lab)), "The lab's definition")
    return load_lab(Path(lab))
