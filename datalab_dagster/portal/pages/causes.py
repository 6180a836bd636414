"""Why a lab is in its state, and what is wrong with each slot, for the pages; `datalab.statistics.causes` decides."""

from __future__ import annotations

from collections.abc import Iterable

from datalab.dashboard.repairs import steps_of
from datalab.dashboard.sentences import action, advice, consequences, sentence, short
from datalab.dashboard.states import slot_words
from datalab.dashboard.summary import Note, notes
from datalab.dashboard.verdicts import said
from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import Cause
from datalab.statistics.slots import SlotState, slot_states
from datalab_dagster.service import LabInfo, LabState, RunInfo, RunState
from datalab_dagster.service.causes import causes_in_list, first_in
from datalab_dagster.service.models import ServiceModel


class CauseView(ServiceModel):
    """The first cause of a lab's state, for display."""

    code: str
    dataset: DatasetKind | None
    verdict: str
    """Why the lab is not Ready, or what is wrong with a file although it is."""
    sentence: str
    short: str
    """What to do, in a line of a list."""
    advice: str
    action: str
    """The words of the button."""
    consequences: str
    """How many findings follow from it; empty: none."""
    follows: list[Note]
    exchanged: list[DatasetKind]
    """The slots whose datasets only have to change places; empty: one must be replaced."""
    number: int
    """Of the finding in its result."""
    steps: list[StepName]
    """Of a repair that corrects it; empty: no repair does."""


class SlotView(ServiceModel):
    """The state of a slot, for display."""

    state: SlotState
    words: str
    warnings: int


def first_of(info: LabInfo, causes: Iterable[Cause]) -> CauseView | None:
    """Return what is said first of a lab, if that is more than its state.

    None: no data error keeps it from being Ready, and its files are as they should be.
    """
    cause = first_in(info, causes)
    if cause is None:
        return None
    return CauseView(
        code=cause.code,
        dataset=cause.dataset,
        verdict=said(cause),
        sentence=sentence(cause),
        short=short(cause),
        advice=advice(cause),
        action=action(cause),
        consequences=consequences(cause),
        follows=notes(cause.follows),
        exchanged=cause.exchanged,
        number=cause.number,
        steps=list(steps_of(cause)),
    )


def further(info: LabInfo, causes: Iterable[Cause]) -> list[Note]:
    """Return all findings but the first cause and what follows from it, each with what follows from it."""
    listed = list(causes)
    first = first_in(info, listed)
    return notes(cause for cause in listed if cause is not first)


def slots_of(
    info: LabInfo, status: ValidationStatus | None, causes: Iterable[Cause], run: RunInfo | None = None
) -> dict[DatasetKind, SlotView]:
    """Return the state of every slot of a lab, with its current result and its newest run."""
    held = {slot.kind: slot.manifest_hash for slot in info.slots}
    checking = info.state.state is LabState.VALIDATING or (
        run is not None and run.state is RunState.STARTED and run.datasets == held
    )
    states = slot_states(info.definition.datasets, held, status, causes, checking=checking)
    return {
        kind: SlotView(state=slot.state, words=slot_words(slot), warnings=slot.warnings)
        for kind, slot in states.items()
    }


def of_lab(info: LabInfo, status: ValidationStatus | None) -> tuple[CauseView | None, dict[DatasetKind, SlotView]]:
    """Return the first cause and the slots of a lab for a list, from the status of its current result."""
    status = status if info.state.state in (LabState.FAILED, LabState.READY) else None
    causes = causes_in_list(info, status)
    return first_of(info, causes), slots_of(info, status, causes)
