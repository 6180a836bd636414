"""What `datalab repair` prints and writes; the calls are in `repair`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datalab.errors import OutputFailed
from datalab.formats import counted, number, share
from datalab.ingest.repair import STEPS, Plan, Repaired, Repairing, StepName
from datalab.ingest.repair import repair as write_repaired
from datalab.kinds import KINDS
from datalab.scratch import new_part, publish, scratch_directory, why
from datalab.validation.repairs import Proposal, Valid
from datalab_dagster.cli import listing
from datalab_dagster.cli.transfer import same_content
from datalab_dagster.service import DatasetInfo, LabService
from datalab_dagster.service.repair_models import RepairProposal, ValidRows
from datalab_dagster.terminal.checks import shown_progress

AnyProposal = Proposal | RepairProposal
"""Of a file, or of a deployment about one of its datasets."""
AnyValid = Valid | ValidRows


@dataclass(frozen=True)
class Where:
    """Where the copy is."""

    key: str
    value: str
    sentence: str
    same: str = ""
    """That the same content is stored already, as a sentence."""

    @classmethod
    def of(cls, dataset: DatasetInfo, service: LabService) -> Where:
        """Return where a stored copy is."""
        sentence = f"Stored {dataset.name} as {dataset.manifest_hash}"
        return cls("stored", dataset.manifest_hash, sentence, same_content(service, dataset))


@dataclass(frozen=True)
class Counts:
    """What was done to all records."""

    records: int
    written: int
    touched: Mapping[str, int]
    valid: Sequence[AnyValid] | None
    """The valid rows before and after; None: only a lab could say which are valid."""


@dataclass(frozen=True)
class Shown:
    """Prints the outcome for a file or a dataset."""

    key: str
    value: str
    name: str = ""

    def end(self, proposed: AnyProposal, *, as_json: bool) -> None:
        """Print that nothing was written."""
        if as_json:
            listing.print_json(self._told(proposed))
        elif proposed.steps:
            listing.line("\nNothing was written. To keep the repaired copy: --out FILE, or --store as a new dataset.")

    def done(self, proposed: AnyProposal, where: Where, counts: Counts, *, as_json: bool) -> None:
        """Print what was written."""
        if as_json:
            told = self._told(proposed, counts) | {"records": counts.records, "written": counts.written}
            for key, one in zip(("before", "after"), counts.valid or (), strict=False):
                told[key] = {"rows": one.rows, "validRows": one.valid}
            listing.print_json(told | {where.key: where.value})
            return
        listing.line(f"{where.sentence}: {counted(counts.written, 'record')}, from {number(counts.records)}.")
        for name, rows in counts.touched.items():
            listing.line(f"  {STEPS[StepName(name)].does}: {counted(rows, 'row')}")
        if counts.valid:
            before, after = (
                f"{number(one.valid)} of {counted(one.rows, 'row')} ({share(one.share)})" for one in counts.valid
            )
            listing.line(f"Valid before: {before}. Valid now: {after}.")
        if where.same:
            listing.line(where.same)
        listing.line(f"{self.name or self.value} is unchanged.")

    def _told(self, proposed: AnyProposal, counts: Counts | None = None) -> dict[str, Any]:
        steps = [
            {"name": step.name.value, "does": step.does, "sampleRowsTouched": step.touched}
            | ({"sampleRows": step.after.rows, "sampleValidRows": step.after.valid} if step.after else {})
            | ({"rowsTouched": counts.touched[step.name.value]} if counts else {})
            for step in proposed.steps
        ]
        told: dict[str, Any] = {self.key: self.value, "dataset": proposed.kind.value, "steps": steps}
        if proposed.before:
            told["sampleBefore"] = {"rows": proposed.before.rows, "validRows": proposed.before.valid}
        return told


def print_proposal(proposed: AnyProposal, *, is_given: bool) -> None:
    """Print the steps with the rows that they touch and the share of valid rows; `is_given`: whether a lab is."""
    title = KINDS[proposed.kind].title
    listing.line(proposed.looks_like)
    if not proposed.steps:
        listing.line(f"Nothing to repair: no step would change these {title}.")
        return
    listing.line(f"Repair as {title}, tried on the first {counted(proposed.records, 'record')}:")
    rows = [(step.name.value, step.does, number(step.touched), _share(step.after)) for step in proposed.steps]
    before = ("", "As it is", "", _share(proposed.before))
    listing.print_table(("step", "what it does", *_NUMBERS), [before, *rows], numbers=_NUMBERS)
    if KINDS[proposed.kind].depends_on_lab and not is_given:
        listing.line("Valid by a definition that is proposed from the file; --lab uses that of the lab.")


def write(found: Plan, out: Path, *, for_machines: bool) -> Repaired:
    """Write the copy to a private file, completely or not at all.

    Raises:
        OutputFailed: it cannot be written.
    """
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


def store(service: LabService, found: Plan, *, for_machines: bool) -> tuple[DatasetInfo, Repaired]:
    """Store the repaired copy of a file as a new dataset, encrypted before it is written."""
    name = found.file.name
    with scratch_directory() as scratch, shown_progress(for_machines=for_machines) as progress:
        repairing = Repairing(
            found,
            scratch=scratch,
            progress=lambda rows, read, size: progress.update(found.kind, rows, read, size),
        )
        with repairing.as_file() as text:
            steps = ", ".join(found.names)
            dataset = service.upload_dataset(text, f"{name} (repaired)", description=f"{name}, repaired: {steps}")
    return dataset, repairing.done


_NUMBERS = ("rows touched", "valid after it")


def _share(valid: AnyValid | None) -> str:
    return share(valid.share) if valid else "–"
