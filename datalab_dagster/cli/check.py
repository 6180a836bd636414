"""`datalab check`: recognises one file and checks it as one dataset, without the asset graph."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from datalab.errors import InputError, UsageError
from datalab.formats import listed
from datalab.ingest.recognise import Recognised, proposed_lab, recognise_path, words
from datalab.kinds import KINDS, NAMES, DatasetKind
from datalab.lab import USER_ID, LabDefinition, lab_from_dict, load_lab
from datalab.scratch import write_whole
from datalab.validation import dataset_kind
from datalab.validation.stream import validate
from datalab_dagster.cli import listing, summary
from datalab_dagster.terminal.checks import shown_progress
from datalab_dagster.terminal.text import echo

_FILE = click.Path(path_type=Path)
_DEFINED_BY_LAB = listed([kind.name for kind in KINDS.values() if kind.depends_on_lab])


@click.command(
    help=f"""Check one FILE as DATASET: {NAMES}.

    Without DATASET, the file is checked as what it looks like. The format of {_DEFINED_BY_LAB} depends on the lab;
    without --lab, it is proposed from the file.
    """
)
@click.argument("arguments", nargs=-1, required=True, metavar="[DATASET] FILE")
@click.option("--lab", "lab_file", type=_FILE, metavar="LAB.json", help="The lab's definition (JSON or YAML).")
@click.option("--report", type=_FILE, metavar="R.json", help="Write the private validation report here.")
@click.option("--valid-rows", type=_FILE, metavar="OUT.parquet", help="Write the valid rows here.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def check(
    arguments: tuple[str, ...], lab_file: Path | None, report: Path | None, valid_rows: Path | None, as_json: bool
) -> int:
    """Recognise one file, check it, and print the findings."""
    wanted, file = _arguments(arguments)
    places = [path.resolve() for path in (file, lab_file, report, valid_rows) if path is not None]
    if len(set(places)) < len(places):
        raise UsageError("Input and results must be different files: choose other names for --report and --valid-rows.")
    lab = load_lab(lab_file) if lab_file is not None else None
    recognised = _recognised(file, wanted)
    kind = wanted or _kind_of(recognised, file)
    definition = lab or _definition(kind, recognised, wanted)
    numbered = KINDS[kind].numbered
    if numbered and not KINDS[kind].number_of_columns(definition):
        raise UsageError(
            f"The lab's definition has no {numbered.count_key}: set there the number of columns of {KINDS[kind].one}."
        )
    if not as_json:
        _print_recognised(kind, recognised, None if lab else definition, asked=wanted is not None)

    with shown_progress(for_machines=as_json) as progress:
        outcome = validate(
            file,
            kind,
            definition,
            valid_rows=valid_rows,
            progress=lambda rows, read, size: progress.update(kind, rows, read, size),
        )
    if report is not None:
        write_whole(report, outcome.report.model_dump_json(by_alias=True))
    if as_json:
        echo(summary.check_json(kind, outcome, report, _more(kind, recognised, None if lab else definition)))
    else:
        summary.print_check(kind, outcome, report)
    return 0 if outcome.report.report.outcome == "PASSED" else 1


def _arguments(arguments: tuple[str, ...]) -> tuple[DatasetKind | None, Path]:
    if len(arguments) > 2:
        raise UsageError(f"Give one FILE, and before it the DATASET if you know it: {NAMES}.")
    if len(arguments) == 1 and arguments[0] in list(DatasetKind) and not Path(arguments[0]).exists():
        raise UsageError(f"Give the FILE to check as {arguments[0]}: `datalab check {arguments[0]} FILE`.")
    return dataset_kind(arguments[0]) if len(arguments) > 1 else None, Path(arguments[-1])


def _recognised(file: Path, wanted: DatasetKind | None) -> Recognised | None:
    """Return what the file is; None if it cannot be read and its validation has to say so."""
    with contextlib.suppress(*([InputError] if wanted else [])):
        return recognise_path(file)
    return None


def _kind_of(recognised: Recognised | None, file: Path) -> DatasetKind:
    """Return the kind that the file certainly is.

    Raises:
        UsageError: it is not certain; says what it could be.
    """
    assert recognised is not None
    if recognised.facts.kind is None or recognised.facts.no_dataset:
        possible = list(map(str, recognised.facts.possible)) or list(map(str, DatasetKind))
        says = "" if recognised.facts.no_dataset else f" Name the dataset: `datalab check {'|'.join(possible)} {file}`."
        raise UsageError(f"{file}: {words.looks_like(recognised.facts)}{says}")
    return recognised.facts.kind


def _definition(kind: DatasetKind, recognised: Recognised | None, wanted: DatasetKind | None) -> LabDefinition:
    """Return the definition for a check without --lab.

    Raises:
        UsageError: the file has another form than the rows of its kind.
    """
    if not KINDS[kind].depends_on_lab:
        return lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]})
    proposed = recognised and proposed_lab(kind, recognised)
    if proposed is None:
        seen = f" {words.looks_like(recognised.facts)} {' '.join(words.notes(recognised.facts))}" if recognised else ""
        raise UsageError(f"The lab's definition sets the format of {kind.value}: give it with --lab LAB.json.{seen}")
    return proposed


def _print_recognised(
    kind: DatasetKind, recognised: Recognised | None, proposed: LabDefinition | None, *, asked: bool
) -> None:
    if recognised is None:
        return
    facts = recognised.facts
    is_other = facts.kind not in (None, kind)
    if not asked or is_other:
        listing.line(f"{words.looks_like(facts)}{f' It is checked as {KINDS[kind].title}.' if is_other else ''}")
    if not asked or is_other:
        for note in words.notes(facts):
            listing.line(f"  {note}")
    if proposed is not None and KINDS[kind].depends_on_lab:
        listing.line("Proposed from the file, as no --lab was given; the definition of the lab decides:")
        for text in _proposal(kind, proposed):
            listing.line(f"  {text}")


def _proposal(kind: DatasetKind, proposed: LabDefinition) -> list[str]:
    columns = f"columns: {KINDS[kind].columns_text(proposed)}"
    if not KINDS[kind].is_matching:
        return [columns]
    return [columns, *(f"{one.id_name}: {one.id_type.value}" for one in proposed.identifiers_config)]


def _more(kind: DatasetKind, recognised: Recognised | None, proposed: LabDefinition | None) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if recognised is not None:
        more["recognised"] = recognised.facts.model_dump(mode="json", by_alias=True)
    if proposed is not None and KINDS[kind].depends_on_lab:
        more["proposedLab"] = proposed.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return more
