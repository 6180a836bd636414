"""`datalab repair`: proposes what to change in a file, and writes a copy with the chosen changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from datalab.errors import OutputFailed, UsageError
from datalab.formats import counted, number, share
from datalab.ingest.recognise import words
from datalab.ingest.repair import STEPS, Plan, Repaired, StepName, plan
from datalab.ingest.repair import repair as write_repaired
from datalab.kinds import KINDS, NAMES, DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.scratch import new_part, publish, scratch_directory, why
from datalab.validation.repairs import SampleShares, Valid, sample_shares, valid_rows
from datalab_dagster.cli import listing
from datalab_dagster.cli.deployment import confirm, json_option, yes_option
from datalab_dagster.terminal.checks import shown_progress

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--kind", type=click.Choice(list(map(str, DatasetKind))), help=f"The dataset that FILE is: {NAMES}.")
@click.option("--lab", "lab_file", type=_FILE, metavar="LAB.json", help="The lab's definition (JSON or YAML).")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=click.Choice(list(map(str, StepName))),
    help="Do only this step, without a question; repeatable. Default: all that are proposed.",
)
@click.option("--out", type=_FILE, metavar="FILE", help="Write the repaired copy here; without it, nothing is written.")
@yes_option
@json_option
def repair(
    file: Path,
    kind: str | None,
    lab_file: Path | None,
    steps: tuple[str, ...],
    out: Path | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Propose what to change in FILE so that more of its rows are valid, and write a copy with the changes.

    FILE stays as it is. The proposal shows for each step how many rows of the first 20,000 it touches, and the share
    of them that is valid after it. Give --lab where a step depends on the types of ids: plain e-mail addresses are
    hashed only if the lab says that they must be hashes.
    """
    if out is not None and out.resolve() in (file.resolve(), lab_file and lab_file.resolve()):
        raise UsageError("The repaired copy must be another file: choose another name for --out.")
    lab = load_lab(lab_file) if lab_file is not None else None
    found = plan(
        file,
        kind=DatasetKind(kind) if kind else None,
        lab=lab,
        chosen=[StepName(step) for step in steps] or None,
    )
    shares = sample_shares(found, lab) if found.steps else None
    if not as_json:
        _print_proposal(found, shares, is_given=lab is not None)
    if not found.steps or out is None:
        if as_json:
            listing.print_json(_as_json(found, shares))
        elif found.steps:
            listing.line("\nNothing was written. Choose a place for the repaired copy: --out FILE.")
        return 0
    if not (steps or yes):
        if not sys.stdin.isatty():
            raise UsageError("Nothing was written: choose the steps with --step, or accept all of them with --yes.")
        confirm(f"Write a repaired copy to {out}?", yes=False)
    done = _write(found, out, for_machines=as_json)
    definition = lab or (shares.lab if shares else None)
    valid = _valid(found, out, definition) if definition else None
    if as_json:
        listing.print_json(_as_json(found, shares, done, valid) | {"out": str(out)})
    else:
        _print_done(found, out, done, valid)
    return 0


def _write(found: Plan, out: Path, *, for_machines: bool) -> Repaired:
    """Write the copy, completely or not at all."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch_directory() as scratch, new_part(out) as part:
            with part.open("wb") as written, shown_progress(for_machines=for_machines) as progress:
                done = write_repaired(
                    found,
                    written.write,
                    scratch=scratch,
                    progress=lambda rows, read, size: progress.update(found.kind, rows, read, size),
                )
            publish(part, out)
    except OSError as error:
        raise OutputFailed(out, why(error)) from None
    return done


def _valid(found: Plan, out: Path, lab: LabDefinition) -> tuple[Valid, Valid]:
    """Return the valid rows of the file and of its copy."""
    return valid_rows(found.path, found.kind, lab), valid_rows(out, found.kind, lab)


def _print_proposal(found: Plan, shares: SampleShares | None, *, is_given: bool) -> None:
    listing.line(words.looks_like(found.facts))
    if not found.steps:
        listing.line(f"Nothing to repair: no step would change these {KINDS[found.kind].title}.")
        return
    listing.line(f"Repair as {KINDS[found.kind].title}, tried on the first {counted(found.sample.records, 'record')}:")
    after = shares.after if shares else (None,) * len(found.steps)
    rows = [
        (step.name.value, STEPS[step.name].does, number(step.touched), _share(valid))
        for step, valid in zip(found.steps, after, strict=True)
    ]
    before = ("", "As it is", "", _share(shares.before if shares else None))
    listing.print_table(("step", "what it does", "rows touched", "valid after it"), [before, *rows], numbers=_NUMBERS)
    if KINDS[found.kind].depends_on_lab and not is_given:
        listing.line("Valid by a definition that is proposed from the file; --lab LAB.json uses that of the lab.")


_NUMBERS = ("rows touched", "valid after it")


def _share(valid: Valid | None) -> str:
    return share(valid.share) if valid else "–"


def _print_done(found: Plan, out: Path, done: Repaired, valid: tuple[Valid, Valid] | None) -> None:
    listing.line(f"Wrote {out}: {counted(done.written, 'record')}, from {number(done.records)}.")
    for name, count in done.touched.items():
        listing.line(f"  {STEPS[name].does}: {counted(count, 'row')}")
    if valid:
        before, after = (f"{number(one.valid)} of {counted(one.rows, 'row')} ({share(one.share)})" for one in valid)
        listing.line(f"Valid before: {before}. Valid now: {after}.")
    listing.line(f"{found.path} is unchanged.")


def _as_json(
    found: Plan, shares: SampleShares | None, done: Repaired | None = None, valid: tuple[Valid, Valid] | None = None
) -> dict[str, Any]:
    after = shares.after if shares else (None,) * len(found.steps)
    steps = [
        {"name": step.name.value, "does": STEPS[step.name].does, "sampleRowsTouched": step.touched}
        | ({"sampleRows": one.rows, "sampleValidRows": one.valid} if one else {})
        | ({"rowsTouched": done.touched[step.name]} if done else {})
        for step, one in zip(found.steps, after, strict=True)
    ]
    told: dict[str, Any] = {"file": str(found.path), "dataset": found.kind.value, "steps": steps}
    if shares:
        told["sampleBefore"] = {"rows": shares.before.rows, "validRows": shares.before.valid}
    if done:
        told |= {"records": done.records, "written": done.written}
    for key, one in zip(("before", "after"), valid or (), strict=False):
        told[key] = {"rows": one.rows, "validRows": one.valid}
    return told
