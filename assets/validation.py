"""Layer 2: one pass per dataset computes its private validation report and its valid rows.

The checks of data only report, each lab with a history of its own: the verdict of a lab is never read from them.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.columns import column_schema, generic_columns
from assets.intact import INTACT, intact_check, rows_intact
from assets.partitions import NOT_IN_LAB, OWNERS, data_labs, lab_check, verdict
from assets.stored import optional
from datalab.deployment import addresses
from datalab.deployment.handles import NewReport, NewRows, UploadedDataset
from datalab.home.pools import SPARK
from datalab.kinds import DatasetKind
from datalab.statistics.datasets import ValidatedDataset
from datalab.validation import CODE_VERSION
from datalab.validation.schemas import dataset_schema
from datalab.validation.stream import Validated, validate
from resources import REPORT, REPORTS, ROWS, VALID_ROWS, LabRun, Progress, guarded

PASSED = "outcome_passed"
NOT_EMPTY = "has_valid_rows"
UPLOADED = "uploaded"
"""The name of the input that is the dataset."""
INVALID_SHARE = "datalab/invalid_share"
_KEPT = (addresses.ROWS, addresses.INVALID_ROWS)


def validation_assets(kind: DatasetKind) -> dg.AssetsDefinition:
    """Build the assets `<kind>_validation_report` and `valid_<kind>` with their checks."""
    report_key, rows_key = REPORTS[kind], VALID_ROWS[kind]

    @dg.multi_asset(
        name=f"validate_{kind.value}",
        ins={UPLOADED: dg.AssetIn(kind.value, dagster_type=optional(UploadedDataset))},
        outs={
            rows_key: dg.AssetOut(
                dagster_type=optional(NewRows),
                io_manager_key=ROWS,
                code_version=CODE_VERSION,
                group_name="validation",
                kinds={"pandera", "parquet"},
                owners=OWNERS,
                description=f"The valid rows of {kind.value}, in file order.",
                metadata={"dagster/column_schema": generic_columns(kind)},
            ),
            report_key: dg.AssetOut(
                dagster_type=optional(NewReport),
                io_manager_key=REPORT,
                code_version=CODE_VERSION,
                group_name="validation",
                kinds={"pandera", "json"},
                owners=OWNERS,
                description=f"The errors in {kind.value}, row by row. Contains sample values: private, never shared.",
            ),
        },
        check_specs=[
            lab_check(PASSED, report_key, "The report's outcome is PASSED."),
            lab_check(NOT_EMPTY, rows_key, "At least one row is valid."),
            intact_check(rows_key),
        ],
        partitions_def=data_labs,
        pool=SPARK,
    )
    def validated(
        context: dg.AssetExecutionContext,
        run: dg.ResourceParam[LabRun],
        progress: dg.ResourceParam[Progress],
        uploaded: UploadedDataset | None,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with guarded(run, context):
            lab = run.definition
            if kind not in lab.datasets or uploaded is None:
                yield _absent(rows_key, NOT_EMPTY, INTACT)
                yield _absent(report_key, PASSED)
                return

            def told(rows: int, read: int, size: int) -> None:
                run.ensure_current()
                progress.update(kind, rows, read, size)

            new = NewRows({name: run.scratch / f"new-{name}-{kind.value}.parquet" for name in _KEPT})
            valid_rows, invalid_rows = new.files.values()
            with uploaded.content() as content:
                started = time.perf_counter()
                outcome = validate(content, kind, lab, valid_rows=valid_rows, invalid_rows=invalid_rows, progress=told)
                seconds = time.perf_counter() - started
            run.note_rows(kind, outcome.report.report.num_rows_total)
            run.note_validated(kind, is_complete=False)
            valid = outcome.facts.valid_rows
            yield dg.MaterializeResult(
                asset_key=rows_key,
                value=new,
                metadata={
                    "datalab/in_lab": True,
                    "dagster/row_count": valid,
                    "dagster/column_schema": column_schema(dataset_schema(kind, lab)),
                },
                check_results=[verdict(NOT_EMPTY, rows_key, valid > 0, {"datalab/valid_rows": valid})],
            )
            # The report is stored after the rows: with its summary the validation is complete.
            numbers = _numbers(outcome, seconds)
            found = outcome.report.report.outcome
            yield dg.MaterializeResult(
                asset_key=report_key,
                value=NewReport(outcome.report, ValidatedDataset.from_report(outcome.report, outcome.facts)),
                metadata={**numbers, "datalab/outcome": found},
                check_results=[verdict(PASSED, report_key, found == "PASSED", numbers)],
            )
            stored = rows_intact(run, rows_key, run.validated(kind, addresses.ROWS))
            run.note_validated(kind, is_complete=stored.passed)
            yield stored

    return validated


def _absent(key: str, *checks: str) -> dg.MaterializeResult[Any]:
    results = [verdict(check, key, True, NOT_IN_LAB) for check in checks]
    return dg.MaterializeResult(asset_key=key, value=None, metadata=NOT_IN_LAB, check_results=results)


def _numbers(outcome: Validated, seconds: float) -> dict[str, int | float | bool]:
    """Return the numbers of a pass that Dagster plots over time."""
    facts = outcome.facts
    invalid = facts.rows - facts.valid_rows
    return {
        "datalab/in_lab": True,
        "datalab/rows": facts.rows,
        "datalab/valid_rows": facts.valid_rows,
        "datalab/invalid_rows": invalid,
        INVALID_SHARE: invalid / facts.rows if facts.rows else 0.0,
        "datalab/bytes": facts.input_bytes,
        "datalab/seconds": seconds,
        "datalab/rows_per_second": facts.rows / seconds if seconds else 0.0,
        "datalab/hints": len(facts.hints),
    }


ASSETS = [validation_assets(kind) for kind in DatasetKind]
