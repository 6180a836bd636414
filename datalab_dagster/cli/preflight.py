"""`datalab preflight`: a whole lab, through the asset graph."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("lab_file", metavar="LAB.json", type=_FILE)
@click.option("--identifiers", type=_FILE, metavar="FILE", required=True, help="The identifiers file.")
@click.option("--segments", type=_FILE, metavar="FILE", help="The segments file.")
@click.option("--demographics", type=_FILE, metavar="FILE", help="The demographics file.")
@click.option("--embeddings", type=_FILE, metavar="FILE", help="The embeddings file.")
@click.option("--out", type=_FILE, metavar="DIR", required=True, help="Where reports and status are written.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def preflight(
    lab_file: Path,
    identifiers: Path,
    segments: Path | None,
    demographics: Path | None,
    embeddings: Path | None,
    out: Path,
    as_json: bool,
) -> int:
    """Check the files of a lab: every dataset's private validation report, and the lab's status.

    LAB.json (or YAML) is the lab's definition. Writes DIR/<dataset>/validation-report.json and
    DIR/validation-status.json.
    """
    from datalab.lab import DatasetKind, load_lab

    lab = load_lab(lab_file)
    given = {
        DatasetKind.IDENTIFIERS: identifiers,
        DatasetKind.SEGMENTS: segments,
        DatasetKind.DEMOGRAPHICS: demographics,
        DatasetKind.EMBEDDINGS: embeddings,
    }
    files = {kind: path for kind, path in given.items() if path is not None}

    from datalab_dagster import preflight as run
    from datalab_dagster.cli import summary
    from datalab_dagster.cli.progress import shown_progress

    with shown_progress() as progress:
        result = run.preflight(lab, files, out, progress)
    if as_json:
        click.echo(summary.preflight_json(result))
    else:
        summary.print_preflight(result)
    return 0 if result.passed else 1
