"""`datalab check`: one file of one dataset, without the graph."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.errors import UsageError
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, lab_from_dict, load_lab
from datalab.scratch import write_whole
from datalab.validation import dataset_kind
from datalab.validation.stream import validate
from datalab_dagster.cli import summary
from datalab_dagster.terminal.checks import shown_progress

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("dataset")
@click.argument("file", type=_FILE)
@click.option("--lab", "lab_file", type=_FILE, metavar="LAB.json", help="The lab's definition (JSON or YAML).")
@click.option("--report", type=_FILE, metavar="R.json", help="Write the private validation report here.")
@click.option("--valid-rows", type=_FILE, metavar="OUT.parquet", help="Write the valid rows here.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def check(
    dataset: str, file: Path, lab_file: Path | None, report: Path | None, valid_rows: Path | None, as_json: bool
) -> int:
    """Check one FILE as DATASET: identifiers, segments, demographics or embeddings.

    Segments and demographics need no --lab; identifiers and embeddings are defined by it.
    """
    kind = dataset_kind(dataset)
    places = [path.resolve() for path in (file, lab_file, report, valid_rows) if path is not None]
    if len(set(places)) < len(places):
        raise UsageError("Input and results must be different files: choose other names for --report and --valid-rows.")
    if lab_file is not None:
        lab = load_lab(lab_file)
    elif kind in (DatasetKind.SEGMENTS, DatasetKind.DEMOGRAPHICS):
        lab = lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]})
    else:
        raise UsageError(f"What {kind.value} must look like is in the lab's definition: give it with --lab LAB.json.")
    if kind is DatasetKind.EMBEDDINGS and not lab.num_embeddings:
        raise UsageError("The lab's definition has no numEmbeddings: say there how many columns an embedding has.")

    with shown_progress(for_machines=as_json) as progress:
        outcome = validate(
            file,
            kind,
            lab,
            valid_rows=valid_rows,
            progress=lambda rows, read, size: progress.update(kind, rows, read, size),
        )
    if report is not None:
        write_whole(report, outcome.report.model_dump_json(by_alias=True))
    if as_json:
        click.echo(summary.check_json(kind, outcome, report))
    else:
        summary.print_check(kind, outcome, report)
    return 0 if outcome.report.report.outcome == "PASSED" else 1
