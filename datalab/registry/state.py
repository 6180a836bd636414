"""The state of a lab and the next step: a pure function of a few facts. This module does not know their source.

The first row that applies, top to bottom:

| condition | state |
|---|---|
| nothing is provisioned | Empty |
| a dataset of the lab is missing | Incomplete |
| the newest verdict on exactly these datasets is SUCCESS | Ready (also if a later run is interrupted) |
| a run on exactly these datasets is in progress | Validating |
| the newest verdict on exactly these datasets is FAILED, or the last run on them failed | Failed |
| anything else: never validated, changed since, or the run was cancelled | Stale |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datalab.kinds import DatasetKind
from datalab.registry.records import RunState, Verdict


class LabState(StrEnum):
    """The state of a lab; only a Ready lab may be used in Media DCRs."""

    EMPTY = "Empty"
    INCOMPLETE = "Incomplete"
    VALIDATING = "Validating"
    READY = "Ready"
    FAILED = "Failed"
    STALE = "Stale"


@dataclass(frozen=True)
class Facts:
    """What the state of a lab depends on."""

    lab: str
    """Its id, for the commands in the next step."""
    required: Sequence[DatasetKind]
    provisioned: Collection[DatasetKind]
    verdict: Verdict | None = None
    """Of the newest result that was computed from exactly the datasets provisioned now."""
    run: RunState | None = None
    """Of the newest run on exactly these datasets, if it began after the verdict's, or failed after its verdict."""
    reason: str | None = None
    """Why that run failed."""
    validated_before: bool = False
    """Whether there is a result for other datasets."""
    outdated_run: bool = False
    """Whether a run on other datasets is still in progress."""
    run_gave_verdict: bool = False
    """Whether `run` is the run that gave the verdict."""


@dataclass(frozen=True)
class ExplainedState:
    """The state of a lab, why, and the next step, in words."""

    state: LabState
    reason: str
    next_step: str
    awaits_run: bool = False
    """Whether a validation starts automatically while `datalab up` runs."""
    title: str = ""
    """The state as people read it: that of a Stale lab says whether earlier data were validated."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.state.value)


def state_of(facts: Facts) -> ExplainedState:
    """Return the state that the table above gives.

    >>> state_of(Facts("lab-1", [DatasetKind.IDENTIFIERS], [])).state.value
    'Empty'
    """
    missing = [kind.value for kind in facts.required if kind not in facts.provisioned]
    provision = f"Provision {_listed(missing)} (`datalab provision {facts.lab} …`)."
    if not facts.provisioned:
        return ExplainedState(LabState.EMPTY, "No dataset is provisioned.", provision)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        return ExplainedState(
            LabState.INCOMPLETE, f"{_listed(missing).capitalize()} {verb} not provisioned.", provision
        )
    if facts.verdict == "SUCCESS":
        return _ready(facts)
    if facts.run is RunState.STARTED:
        return ExplainedState(
            LabState.VALIDATING,
            "These datasets are being validated.",
            f"Wait (`datalab status {facts.lab} --watch`).",
        )
    if facts.verdict == "FAILED" or facts.run is RunState.FAILED:
        return _failed(facts)
    return _stale(facts)


def _ready(facts: Facts) -> ExplainedState:
    reason = _passed(len(facts.required))
    if facts.run is RunState.STARTED:
        reason += " They are being validated again."
    elif facts.run is RunState.FAILED:
        reason += _interrupted(facts)
    return ExplainedState(
        LabState.READY, reason, f"Read its statistics (`datalab results {facts.lab}`), then use the lab in a Media DCR."
    )


def _passed(count: int) -> str:
    """Return that all of `count` datasets passed.

    >>> _passed(4), _passed(1)
    ('All four datasets passed validation.', 'The dataset passed validation.')
    """
    which = {1: "The dataset", 2: "Both datasets", 3: "All three datasets", 4: "All four datasets"}
    return f"{which[count]} passed validation."


def _failed(facts: Facts) -> ExplainedState:
    if facts.verdict != "FAILED":
        return ExplainedState(
            LabState.FAILED,
            f"Validation stopped before it finished{_because(facts)}.",
            f"Remove the cause, then start it again (`datalab validate {facts.lab}`).",
        )
    reason = "The validation of these datasets failed."
    if facts.run is RunState.FAILED:
        reason += _interrupted(facts)
    return ExplainedState(
        LabState.FAILED,
        reason,
        f"Read the findings (`datalab results {facts.lab}`), correct the data and provision them again.",
    )


def _stale(facts: Facts) -> ExplainedState:
    cancelled = facts.run is RunState.CANCELLED
    if cancelled:
        reason = f"The validation of these datasets was cancelled{_because(facts)}."
    elif facts.validated_before:
        reason = "The datasets have changed since the last validation."
    else:
        reason = "These datasets have not been validated yet."
    if facts.outdated_run:
        reason += " A validation of the replaced data is still running; its result will not count."
    start = f"`datalab validate {facts.lab}`"
    next_step = f"While `datalab up` runs, a validation starts automatically; otherwise: {start}."
    if cancelled:
        next_step = f"Start the validation ({start})."
    title = "Out of date" if facts.validated_before else "Not validated"
    return ExplainedState(LabState.STALE, reason, next_step, awaits_run=not cancelled, title=title)


def _interrupted(facts: Facts) -> str:
    """Return a sentence about a run that failed although there is a verdict."""
    which = "The run failed after its verdict" if facts.run_gave_verdict else "A later run on them was interrupted"
    return f" {which}{_because(facts)}."


def _because(facts: Facts) -> str:
    return f": {facts.reason.rstrip('.')}" if facts.reason else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
