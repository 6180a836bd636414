"""`datalab check`: checks one file of one dataset without the asset graph."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.errors import UsageError
from datalab.formats import listed
from datalab.kinds import KINDS, NAMES
from datalab.lab import USER_ID, lab_from_dict, load_lab
from datalab.scratch import write_whole
from datalab.validation import dataset_kind
from datalab.validation.stream import validate
from datalab_dagster.cli import summary
from datalab_dagster.terminal.checks import shown_progress
from datalab_dagster.terminal.text import echo

_FILE = click.Path(path_type=Path)
_NEED_NO_LAB = listed([kind.name for kind in KINDS.values() if not kind.depends_on_lab])
_DEFINED_BY_LAB = listed([kind.name for kind in KINDS.values() if kind.depends_on_lab])


@click.command(
    help=f"""Check one FILE as DATASET: {NAMES}.

    {_NEED_NO_LAB.capitalize()} need no --lab; the format of {_DEFINED_BY_LAB} depends on it.
    """
)
@click.argument("dataset")
@click.argument("file", type=_FILE)
@click.option("--lab", "lab_file", type=_FILE, metavar="LAB.json", help="The lab's definition (JSON or YAML).")
@click.option("--report", type=_FILE, metavar="R.json", help="Write the private validation report here.")
@click.option("--valid-rows", type=_FILE, metavar="OUT.parquet", help="Write the valid rows here.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def check(
    dataset: str, file: Path, lab_file: Path | None, report: Path | None, valid_rows: Path | None, as_json: bool
) -> int:
    """Check one file, and print the findings."""
    kind = dataset_kind(dataset)
    places = [path.resolve() for path in (file, lab_file, report, valid_rows) if path is not None]
    if len(set(places)) < len(places):
        raise UsageError("Input and results must be different files: choose other names for --report and --valid-rows.")
    if lab_file is not None:
        lab = load_lab(lab_file)
    elif not KINDS[kind].depends_on_lab:
        lab = lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]})
    else:
        raise UsageError(f"The lab's definition sets the format of {kind.value}: give it with --lab LAB.json.")
    numbered = KINDS[kind].numbered
    if numbered and not KINDS[kind].number_of_columns(lab):
        raise UsageError(
            f"The lab's definition has no {numbered.count_key}: set there the number of columns of {KINDS[kind].one}."
        )

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
        echo(summary.check_json(kind, outcome, report))
    else:
        summary.print_check(kind, outcome, report)
    return 0 if outcome.report.report.outcome == "PASSED" else 1
