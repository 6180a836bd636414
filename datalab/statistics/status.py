"""The validation status of a lab, with or without its statistics.

The rules: docs/spec/statistics.md#8-validation-status.
"""

from __future__ import annotations

from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.results.status import EMPTY_DATASET, DatasetStatus, StatisticsStatus, ValidationStatus
from datalab.statistics.datasets import Summaries, ValidatedDataset

CODE_VERSION = "1"
"""Raised when the status of the same reports and statistics changes."""


def validation_status(
    lab: LabDefinition, summaries: Summaries, statistics: StatisticsResultV2 | None = None
) -> ValidationStatus:
    """Return the enhanced status: errors and rows of every dataset, and the findings of the statistics.

    Without `statistics`, their block is left out and the status depends on the datasets only. A lab is Ready only if
    the status with statistics is SUCCESS.
    """
    datasets = {}
    for kind in _summarised(lab, summaries):
        summary = summaries[kind]
        failed = _fails(kind, summary)
        datasets[kind.value] = DatasetStatus(
            status="FAILED" if failed else "SUCCESS",
            errors=_errors(kind, summary) if failed else [],
            valid_rows=summary.valid_rows,
            invalid_rows=summary.invalid_rows,
        )
    block = None
    if statistics is not None:
        block = StatisticsStatus(
            status=statistics.status,
            data_errors=statistics.data_errors,
            quality_warnings=statistics.quality_warnings,
        )
    verdicts = [dataset.status for dataset in datasets.values()] + ([block.status] if block else [])
    return ValidationStatus(status="FAILED" if "FAILED" in verdicts else "SUCCESS", datasets=datasets, statistics=block)


def _summarised(lab: LabDefinition, summaries: Summaries) -> list[DatasetKind]:
    return [kind for kind in lab.datasets if kind in summaries]


def _fails(kind: DatasetKind, summary: ValidatedDataset) -> bool:
    return summary.outcome == "FAILED" or (KINDS[kind].fails_empty and summary.valid_rows == 0)


def _errors(kind: DatasetKind, summary: ValidatedDataset) -> list[Finding]:
    if summary.outcome == "PASSED":
        return [Finding(code=EMPTY_DATASET, message=f"{kind.value}: 0 valid rows (at least 1 needed)")]
    if summary.file_errors:
        return summary.file_errors
    return [
        Finding(code=code, message=f"{kind.value}: {rows} rows are invalid (limit 0: invalid rows are not dropped)")
        for code, rows in summary.invalid_rows_by_reason.items()
    ]
