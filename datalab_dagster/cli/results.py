"""`datalab results`: shows, lists, compares and writes out the results of validations."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from datalab.errors import OutputFailed, UsageError
from datalab.results import files
from datalab.results.statistics import StatisticsResultV2, parse_statistics_result
from datalab.results.status import ValidationStatus
from datalab.scratch import why
from datalab.statistics import Comparison, compare_statistics
from datalab.statistics.cause import Cause, Evidence
from datalab.statistics.causes import causes_of, reasons_of
from datalab_dagster.cli import listing, panels, run_view
from datalab_dagster.cli.deployment import json_option, opened, the_result, user_option
from datalab_dagster.service import LabInfo, LabService, ResultInfo
from datalab_dagster.service.hints import evidence_of, hint_rows
from datalab_dagster.service.matchable import matchable_in


@click.command(
    help=f"""Show the current result of LAB, and list all results that are kept.

    --out writes {files.STATISTICS.name}, {files.MATCHABLE_USERS.name}, {files.VALIDATION_STATUS.name},
    {files.DASHBOARD.name} and, when there was an earlier refresh, {files.COMPARISON.name}: aggregates only.
    Reports contain sample values of rows; never share them.
    """
)
@click.argument("lab_name", metavar="LAB")
@click.option("--run", "run_id", metavar="RUN", help="The result of this run instead of the current one.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write its files here.")
@click.option("--reports", is_flag=True, help="With --out: also the private validation reports.")
@click.option("--compare", nargs=2, metavar="RUN RUN", help="Show the changes from one result to another.")
@user_option
@json_option
def results(
    lab_name: str,
    run_id: str | None,
    out: Path | None,
    reports: bool,
    compare: tuple[str, str] | None,
    user: str | None,
    as_json: bool,
) -> int:
    """Show, list, compare and write out the results of a lab."""
    if reports and out is None:
        raise UsageError("Choose a folder for the reports: --out DIR.")
    with opened(user) as service:
        lab = service.lab(lab_name)
        if compare:
            return _compare(service, lab.id, *compare, as_json=as_json)
        history = service.results(lab.id)
        chosen = _chosen(service, lab, history, run_id)
        written = _write(service, chosen, out, reports) if out is not None and chosen else []
        if as_json:
            listing.print_json([chosen] if run_id and chosen else history)
            return 0
        if chosen is None:
            listing.line(f"Lab {lab.id} has no result yet. {lab.state.next_step}")
            return 0
        causes = causes_in(service, chosen, evidence_of(lab) if chosen.current else None)
        run_view.print_result(chosen, causes, matchable_in(service, chosen))
        if not run_id:
            run_view.print_results(history)
    for path in written:
        listing.line(str(path))
    if not written:
        listing.line(f"Write its files: `datalab results {lab.id} --out DIR`.")
    return 0


def status_in(service: LabService, result: ResultInfo) -> ValidationStatus | None:
    """Return the validation status of a result, if it is kept."""
    if files.VALIDATION_STATUS.name not in result.files:
        return None
    text = service.result_file(result.lab_id, files.VALIDATION_STATUS.name, run_id=result.run_id)
    return ValidationStatus.model_validate_json(text)


def statistics_in(service: LabService, result: ResultInfo) -> StatisticsResultV2 | None:
    """Return the statistics of a result, if they are kept in the present format."""
    if files.STATISTICS.name not in result.files:
        return None
    found = parse_statistics_result(service.result_file(result.lab_id, files.STATISTICS.name, run_id=result.run_id))
    return found if isinstance(found, StatisticsResultV2) else None


def causes_in(service: LabService, result: ResultInfo, recognised: Evidence | None = None) -> list[Cause]:
    """Return the causes of the lab's state that a result and its drops since the previous refresh show.

    `recognised`: what is known of the files of its datasets.
    """

    def read(name: str) -> bytes | None:
        return service.result_file(result.lab_id, name, run_id=result.run_id) if name in result.files else None

    changes, numbers = read(files.COMPARISON.name), read(files.STATISTICS.name)
    statistics = parse_statistics_result(numbers) if numbers else None
    report = statistics.basic_statistics.model_dump() if isinstance(statistics, StatisticsResultV2) else None
    return causes_of(
        status_in(service, result),
        comparison=Comparison.model_validate_json(changes) if changes else None,
        evidence=replace(
            recognised or Evidence(), reasons=reasons_of(report) if report else None, hints=hint_rows(service, result)
        ),
    )


def _chosen(service: LabService, lab: LabInfo, history: list[ResultInfo], run_id: str | None) -> ResultInfo | None:
    """Return the result of the given run; without a run, the current result, or else the newest."""
    if run_id:
        return the_result(service, lab.id, run_id)
    return next((result for result in history if result.current), history[0] if history else None)


def _write(service: LabService, result: ResultInfo, out: Path, reports: bool) -> list[Path]:
    """Write the files of a result in the layout of a preflight; only their owner may read the reports."""
    written = [
        _put(out / name, service.result_file(result.lab_id, name, run_id=result.run_id), 0o644) for name in result.files
    ]
    for kind in result.reports if reports else []:
        content = service.validation_report(result.lab_id, kind, run_id=result.run_id)
        written.append(_put(out / kind.value / files.VALIDATION_REPORT.name, content, 0o600))
    return written


def _put(path: Path, content: bytes, mode: int) -> Path:
    """Write a file completely or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _compare(service: LabService, lab: str, before: str, now: str, *, as_json: bool) -> int:
    def statistics(run_id: str) -> StatisticsResultV2:
        result = the_result(service, lab, run_id)
        parsed = parse_statistics_result(service.result_file(lab, files.STATISTICS.name, run_id=result.run_id))
        if not isinstance(parsed, StatisticsResultV2):
            raise UsageError("Statistics of the old format (version 1) cannot be compared.")
        return parsed

    comparison = compare_statistics(statistics(before), statistics(now))
    if as_json:
        listing.print_json(comparison)
    else:
        panels.print_comparison(comparison)
    return 0
