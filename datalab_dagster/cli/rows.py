"""`datalab rows`: writes all invalid rows of a dataset of a lab to a CSV file."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.formats import counted, number
from datalab.validation import dataset_kind
from datalab_dagster.cli import listing
from datalab_dagster.cli.deployment import opened, the_result, user_option
from datalab_dagster.cli.transfer import save
from datalab_dagster.service import RowsQuery


@click.command()
@click.argument("lab_name", metavar="LAB")
@click.argument("dataset", metavar="KIND")
@click.option("--reason", metavar="CODE", help="Only rows that are invalid for this reason, such as EMPTY_CELL.")
@click.option("--run", "run_id", metavar="RUN", help="The result of this run instead of the current one.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The CSV file to write.")
@user_option
def rows(lab_name: str, dataset: str, reason: str | None, run_id: str | None, out: Path, user: str | None) -> int:
    """Write all invalid rows of a dataset of LAB to a CSV file that only you may read.

    It holds row number (from 1), reasons and values: private, never share it. An apostrophe stands before what a
    spreadsheet could run as a formula. At most the first 10 million invalid rows of a dataset are kept.
    """
    kind = dataset_kind(dataset)
    with opened(user) as service:
        lab = service.lab(lab_name)
        run = the_result(service, lab.id, run_id).run_id if run_id else None
        wanted = RowsQuery(lab.id, kind, run, reason)
        found = service.invalid_rows.page(wanted, count=1)
        save(lambda: service.invalid_rows.csv(wanted), out)
    listing.line(f"{out}: {counted(found.matching, 'row')}.")
    if found.kept < found.total:
        listing.line(f"Only the first {number(found.kept)} of {number(found.total)} invalid rows are kept.")
    return 0
