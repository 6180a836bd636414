"""What a repair is worth: how many rows are valid before and after its steps, which are in `ingest.repair`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datalab.errors import OutputFailed
from datalab.ingest.any_file import AnyFile
from datalab.ingest.recognise import proposed_lab, recognise_file, words
from datalab.ingest.repair import STEPS, Plan, StepName
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import USER_ID, LabDefinition, lab_from_dict
from datalab.scratch import new_file, scratch_directory, why
from datalab.validation.stream import validate


@dataclass(frozen=True)
class Valid:
    """How many rows are valid, and of how many."""

    rows: int
    valid: int

    @property
    def share(self) -> float:
        """The share of valid rows; 0 if there is no row."""
        return self.valid / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class SampleShares:
    """The valid rows of a sample before the first step, and after each."""

    lab: LabDefinition
    """The definition that they were checked with: the given one, or one that the repaired sample fits."""
    before: Valid
    after: tuple[Valid, ...]


@dataclass(frozen=True)
class ProposedStep:
    """A step that a file needs, tried on its sample."""

    name: StepName
    does: str
    """What it does, as an instruction."""
    touched: int
    """How many records, or rows, of the sample it touches."""
    after: Valid | None
    """The valid rows of the sample after it; None if only a lab could say which are valid."""


@dataclass(frozen=True)
class Proposal:
    """The steps that a file needs; counts and names only."""

    kind: DatasetKind
    looks_like: str
    """What the file looks like, as a sentence."""
    records: int
    """How many records the sample has."""
    before: Valid | None
    """The valid rows of the sample as it is; None if no step is proposed, or as in a step."""
    steps: tuple[ProposedStep, ...]
    lab: LabDefinition | None
    """The definition that the rows were checked with: the given one, or one that the repaired sample fits."""


def proposal(plan: Plan, lab: LabDefinition | None) -> Proposal:
    """Return what a plan proposes, with the valid rows of its sample; raises as `sample_shares`."""
    shares = sample_shares(plan, lab) if plan.steps else None
    after = shares.after if shares else (None,) * len(plan.steps)
    steps = tuple(
        ProposedStep(step.name, STEPS[step.name].does, step.touched, valid)
        for step, valid in zip(plan.steps, after, strict=True)
    )
    return Proposal(
        plan.kind,
        words.looks_like(plan.facts),
        plan.sample.records,
        shares.before if shares else None,
        steps,
        shares.lab if shares else lab,
    )


def sample_shares(plan: Plan, lab: LabDefinition | None) -> SampleShares | None:
    """Return the valid rows of a plan's sample; None if only a lab could say which are valid.

    Raises:
        OutputFailed: scratch cannot be written.
    """
    raw = plan.text or plan.sample.text()
    texts = [raw, *(step.after.text() for step in plan.steps)]
    if StepName.SEPARATOR in plan.names:  # until then the columns are not separated by commas
        texts[1 : plan.names.index(StepName.SEPARATOR) + 1] = [raw] * plan.names.index(StepName.SEPARATOR)
    with scratch_directory() as scratch:
        try:
            definition = lab or _definition(plan, scratch, texts[-1])
            if definition is None:
                return None
            found = [valid_rows(_kept(scratch, text), plan.kind, definition) for text in texts]
        except OSError as error:
            raise OutputFailed(scratch.parent, why(error)) from None
    return SampleShares(definition, found[0], tuple(found[1:]))


def valid_rows(file: AnyFile, kind: DatasetKind, lab: LabDefinition, scratch: Path | None = None) -> Valid:
    """Return the valid rows of a whole file; raises as `validate`."""
    outcome = validate(file, kind, lab, spool_in=scratch)
    is_passed = outcome.report.report.outcome == "PASSED"
    return Valid(outcome.report.report.num_rows_total, outcome.facts.valid_rows if is_passed else 0)


def _kept(scratch: Path, text: bytes) -> Path:
    path = new_file(scratch / "sample.csv")
    path.write_bytes(text)
    return path


def _definition(plan: Plan, scratch: Path, repaired: bytes) -> LabDefinition | None:
    if not KINDS[plan.kind].depends_on_lab:
        return lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]})
    with _kept(scratch, repaired).open("rb") as file:
        return proposed_lab(plan.kind, recognise_file(file))
