"""Layer 2: one pass per dataset computes its private validation report and its valid rows.

The checks only report, each lab with a history of its own: the verdict of a lab is never read from them.
"""

import time
from collections.abc import Iterator

import dagster as dg

from assets.columns import column_schema, generic_columns
from assets.guard import guarded
from assets.partitions import NOT_IN_LAB, OWNERS, data_labs, lab_check, verdict
from datalab.deployment.addresses import INVALID_ROWS, REPORT, ROWS, SUMMARY
from datalab.deployment.places import Place
from datalab.kinds import DatasetKind
from datalab.statistics.datasets import ValidatedDataset
from datalab.validation import CODE_VERSION
from datalab.validation.schemas import dataset_schema
from datalab.validation.stream import Validated, validate
from resources import LabRun, Progress

PASSED = "outcome_passed"
NOT_EMPTY = "has_valid_rows"


def validation_assets(kind: DatasetKind) -> dg.AssetsDefinition:
    """Build the assets `<kind>_validation_report` and `valid_<kind>` with their checks."""
    report_key, rows_key = f"{kind.value}_validation_report", f"valid_{kind.value}"

    @dg.multi_asset(
        name=f"validate_{kind.value}",
        specs=[
            dg.AssetSpec(
                report_key,
                deps=[kind.value],
                group_name="validation",
                kinds={"pandera", "json"},
                owners=OWNERS,
                description=f"The errors in {kind.value}, row by row. Contains sample values: private, never shared.",
                code_version=CODE_VERSION,
            ),
            dg.AssetSpec(
                rows_key,
                deps=[kind.value],
                group_name="validation",
                kinds={"pandera", "parquet"},
                owners=OWNERS,
                description=f"The valid rows of {kind.value}, in file order.",
                metadata={"dagster/column_schema": generic_columns(kind)},
                code_version=CODE_VERSION,
            ),
        ],
        check_specs=[
            lab_check(PASSED, report_key, "The report's outcome is PASSED."),
            lab_check(NOT_EMPTY, rows_key, "At least one row is valid."),
        ],
        partitions_def=data_labs,
    )
    def validated(
        context: dg.AssetExecutionContext,
        run: dg.ResourceParam[LabRun],
        place: dg.ResourceParam[Place],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with guarded(run, context):
            lab = run.definition
            if kind not in lab.datasets or kind not in run.datasets:
                yield _absent(report_key, PASSED)
                yield _absent(rows_key, NOT_EMPTY)
                return

            def told(rows: int, read: int, size: int) -> None:
                run.ensure_current()
                progress.update(kind, rows, read, size)

            new_rows = run.scratch / f"new-valid-{kind.value}.parquet"
            invalid = run.scratch / f"new-invalid-{kind.value}.parquet"
            with run.content(kind) as content:
                started = time.perf_counter()
                outcome = validate(content, kind, lab, valid_rows=new_rows, invalid_rows=invalid, progress=told)
                seconds = time.perf_counter() - started
            summary = ValidatedDataset.from_report(outcome.report, outcome.facts)
            run.note_rows(kind, outcome.report.report.num_rows_total)
            run.note_validated(kind, is_complete=False)
            place.keep_rows(run.validated(kind, ROWS), new_rows)
            place.keep_rows(run.validated(kind, INVALID_ROWS), invalid)
            place.write(run.validated(kind, REPORT), outcome.report.model_dump_json(by_alias=True))
            place.write(
                run.validated(kind, SUMMARY), summary.model_dump_json()
            )  # last: its presence means that everything is stored
            run.note_validated(kind, is_complete=True)
            numbers = _numbers(outcome, seconds)
            passed = outcome.report.report.outcome == "PASSED"
            yield dg.MaterializeResult(
                asset_key=report_key,
                metadata={**numbers, "datalab/outcome": outcome.report.report.outcome},
                check_results=[verdict(PASSED, report_key, passed, numbers)],
            )
            rows = outcome.facts.valid_rows
            yield dg.MaterializeResult(
                asset_key=rows_key,
                metadata={
                    "datalab/in_lab": True,
                    "dagster/row_count": rows,
                    "dagster/column_schema": column_schema(dataset_schema(kind, lab)),
                },
                check_results=[verdict(NOT_EMPTY, rows_key, rows > 0, {"datalab/valid_rows": rows})],
            )

    return validated


def _absent(key: str, check: str) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        asset_key=key, metadata=NOT_IN_LAB, check_results=[verdict(check, key, True, NOT_IN_LAB)]
    )


def _numbers(outcome: Validated, seconds: float) -> dict[str, int | float | bool]:
    """Return the numbers of a pass that Dagster plots over time."""
    facts = outcome.facts
    invalid = facts.rows - facts.valid_rows
    return {
        "datalab/in_lab": True,
        "datalab/rows": facts.rows,
        "datalab/valid_rows": facts.valid_rows,
        "datalab/invalid_rows": invalid,
        "datalab/invalid_share": invalid / facts.rows if facts.rows else 0.0,
        "datalab/bytes": facts.input_bytes,
        "datalab/seconds": seconds,
        "datalab/rows_per_second": facts.rows / seconds if seconds else 0.0,
        "datalab/hints": len(facts.hints),
    }


ASSETS = [validation_assets(kind) for kind in DatasetKind]
