"""Reads the files of a result for the pages: statistics, status, comparison."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from datalab.dashboard.disclosure import shareable, shareable_finding, shareable_matchable
from datalab.dashboard.summary import deltas, headlines
from datalab.dashboard.tables import PageFigure
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import COMPARISON, MATCHABLE_USERS, STATISTICS, VALIDATION_STATUS, ResultFile
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResult, StatisticsResultV2, parse_statistics_result
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import Cause, Evidence
from datalab.statistics.causes import causes_of, reasons_of
from datalab.statistics.compare import Comparison
from datalab.statistics.numbered import numbered
from datalab.statistics.tables import Matchable
from datalab_dagster.portal.shared import without_rows
from datalab_dagster.service import LabService, ResultInfo, ResultNotFound
from datalab_dagster.service.hints import hint_rows

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """The content of one result."""

    result: ResultInfo
    statistics: StatisticsResultV2 | None = None
    legacy: StatisticsResult | None = None
    """Statistics in the old format, for deployments with `statisticsVersion: 1`."""
    status: ValidationStatus | None = None
    comparison: Comparison | None = None
    matchable: MatchableUsers | None = None
    """None: an earlier version made the result."""
    hints: Mapping[DatasetKind, Mapping[str, int]] = field(default_factory=dict)
    """The hints of each dataset, code → number of rows; empty for a visitor who may not read reports."""
    minimum: int = 0
    """Counts below it are hidden."""

    def shared(self, minimum: int) -> Found:
        """Return the part that the vendor's admins may see: no comparison, no old format, no count below `minimum`."""
        status = without_rows(self.status) if self.status else None
        return replace(self, legacy=None, comparison=None, status=status, hints={}, minimum=minimum)

    def report(self) -> dict[str, Any]:
        """Return the statistics as JSON-like dict, without what is hidden from the visitor.

        Raises:
            ValueError: there are none.
        """
        if self.statistics is None:
            raise ValueError("no statistics")
        return shareable(self.statistics, self.minimum)

    def beside(self) -> Matchable:
        """Return the matchable users of the result, without what is hidden from the visitor; empty: none."""
        return shareable_matchable(self.matchable, self.statistics, self.minimum) if self.statistics else {}

    def causes(self, files: Evidence | None = None) -> list[Cause]:
        """Return the causes of the lab's state, the strongest first; `files`: what is recognised in its datasets."""
        reasons = reasons_of(self.report()["basic_statistics"]) if self.statistics else None
        found = causes_of(
            self.status,
            self.statistics,
            self.comparison,
            replace(files or Evidence(), reasons=reasons, hints=self.hints),
            lambda finding: shareable_finding(finding, self.minimum),
        )
        return numbered(found)

    def headlines(self, lab: LabDefinition) -> list[PageFigure]:
        """Return the headline numbers, with their change since the previous result."""
        if self.statistics is None:
            return []
        report = self.report()
        figures, changed = headlines(lab, report, self.beside()), deltas(self.comparison, report, self.minimum)
        for figure in figures:
            figure.delta = changed.get(figure.metric, "")
        return figures


def read(service: LabService, result: ResultInfo) -> Found:
    """Return the content of a result; a file that is missing or has another format is None."""
    contents = {}
    for name in (STATISTICS.name, VALIDATION_STATUS.name, COMPARISON.name, MATCHABLE_USERS.name):
        if name in result.files:
            with contextlib.suppress(ResultNotFound):  # expired meanwhile
                contents[name] = service.result_file(result.lab_id, name, run_id=result.run_id)
    statistics = _parsed(contents, STATISTICS, parse_statistics_result)
    return Found(
        result,
        statistics if isinstance(statistics, StatisticsResultV2) else None,
        statistics if isinstance(statistics, StatisticsResult) else None,
        _parsed(contents, VALIDATION_STATUS, ValidationStatus.model_validate_json),
        _parsed(contents, COMPARISON, Comparison.model_validate_json),
        _parsed(contents, MATCHABLE_USERS, MatchableUsers.model_validate_json),
        hint_rows(service, result),
    )


def _parsed(contents: dict[str, bytes], file: ResultFile, parse: Callable[[bytes], T]) -> T | None:
    try:
        return parse(contents[file.name]) if file.name in contents else None
    except ValueError:  # pydantic's too; written by another version
        return None


def status_of(service: LabService, result: ResultInfo) -> ValidationStatus | None:
    """Return the status of a result alone, which is small; None: it is missing or has another format."""
    contents = {}
    if VALIDATION_STATUS.name in result.files:
        with contextlib.suppress(ResultNotFound):  # expired meanwhile
            contents[VALIDATION_STATUS.name] = service.result_file(
                result.lab_id, VALIDATION_STATUS.name, run_id=result.run_id
            )
    return _parsed(contents, VALIDATION_STATUS, ValidationStatus.model_validate_json)


def result_of(service: LabService, lab: str, run_id: str | None) -> ResultInfo | None:
    """Return the current result, or that of a run.

    Raises:
        ResultNotFound: no result of the run is kept.
    """
    if not run_id:
        return service.current_result(lab)
    found = next((result for result in service.results(lab) if result.run_id == run_id), None)
    if found is None:
        raise ResultNotFound(lab, f"result of run {run_id}")
    return found
