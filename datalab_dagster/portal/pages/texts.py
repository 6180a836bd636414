"""The words of the pages: states, steps of a run, roles; no markup, no numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from datalab.collaboration import CollaborationType
from datalab.dashboard.texts import DATASETS
from datalab.formats import duration, listed, name_or_unnamed
from datalab.kinds import DatasetKind
from datalab.statistics import PANELS
from datalab_dagster.service import Action, EventInfo, LabState, RunState

STATE_WORDS = {
    LabState.EMPTY: "Nothing is provisioned yet.",
    LabState.INCOMPLETE: "A dataset is still missing.",
    LabState.VALIDATING: "The datasets are being validated.",
    LabState.READY: "Validated; may serve Media DCRs.",
    LabState.FAILED: "Validation found a problem to correct.",
    LabState.STALE: "Changed or never validated.",
}
"""State → its meaning in a few words."""

STATE_TITLES = {state: state.value for state in LabState} | {LabState.STALE: "Not validated or out of date"}
"""State → the title of the labs in it."""

RUN_WORDS = {
    RunState.STARTED: "Running",
    RunState.FINISHED: "Finished",
    RunState.FAILED: "Failed",
    RunState.SUPERSEDED: "Stopped",
    RunState.CANCELLED: "Cancelled",
}

ACTION_WORDS = {
    Action.PROVISIONED: "Provisioned",
    Action.REPROVISIONED: "Replaced",
    Action.DEPROVISIONED: "Deprovisioned",
}

_DATASETS = {kind.value: f"Read {kind.value}" for kind in DatasetKind}
_RESULTS = {
    "statistics_report": "Statistics report",
    "validation_status": "Validation status",
    "dashboard": "Dashboard",
}
_STEPS = {
    **_DATASETS,
    "users": "Join users across datasets",
    **{panel.name: panel.title for panel in PANELS},
    **_RESULTS,
}
"""Step → its title, in the order of the graph; the validation of a dataset is named after its step."""

STEP_STATE_WORDS = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCESS": "done",
    "FAILED": "failed",
    "SKIPPED": "skipped",
}


def done_to(event: EventInfo) -> str:
    """Return what an event did to its slot, such as `replaced`; `confirmed`: the same content came again."""
    if event.manifest_hash is not None and event.manifest_hash == event.replaced:
        return "confirmed"
    return ACTION_WORDS[event.action].lower()


def step_words(name: str) -> str:
    """Return the title of a step of the asset graph.

    Example:
        >>> step_words("validate_segments"), step_words("users")
        ('Validate segments', 'Join users across datasets')
    """
    return _STEPS.get(name) or name.replace("_", " ").capitalize()


def step_place(name: str) -> int:
    """Return the position of a step in the lists of the pages."""
    order = [*_DATASETS, *(f"validate_{kind}" for kind in _DATASETS), *_STEPS]
    return order.index(name) if name in order else len(order)


def step_group(name: str) -> str:
    """Return the title of a step's part of the graph."""
    if name in _DATASETS:
        return "Datasets"
    if name.startswith(("validate_", "valid_")) or name.endswith("_validation_report"):
        return "Validation"
    return "Results" if name in _RESULTS else "Statistics"


def dataset_title(kind: DatasetKind | str) -> str:
    """Return the title of a dataset."""
    return DATASETS[DatasetKind(kind)][0]


def lab_name(lab: Any) -> str:
    """Return the name of a lab as people see it; `lab` is any record of one."""
    return name_or_unnamed(lab.name, getattr(lab, "created_at", None))


def type_name(kind: CollaborationType | str) -> str:
    """Return the name of a collaboration type."""
    return CollaborationType(kind).label


def took(started: datetime, ended: datetime | None) -> str:
    """Return the duration of something that has ended, or until now."""
    return duration(max(0.0, ((ended or datetime.now(UTC)) - started).total_seconds()))


def next_step(state: LabState, missing: list[DatasetKind], *, automatic: bool = False, obstacle: str = "") -> str:
    """Return the next step on the pages; the service's own texts name commands.

    Args:
        state: of the lab.
        missing: slots that are empty.
        automatic: whether a validation starts automatically.
        obstacle: why it does not, if that is unusual.

    Example:
        >>> next_step(LabState.INCOMPLETE, [DatasetKind.SEGMENTS])
        'Provision segments.'
    """
    if state in (LabState.EMPTY, LabState.INCOMPLETE):
        return f"Provision {listed([kind.value for kind in missing])}."
    return {
        LabState.VALIDATING: "Wait until the validation has ended; this page follows it.",
        LabState.READY: "Read the findings and the statistics, then use the lab in a Media DCR.",
        LabState.FAILED: "Read the findings, correct the data and provision them again.",
        LabState.STALE: "Validation starts automatically in a few seconds."
        if automatic
        else f"{obstacle} Start the validation.".lstrip(),
    }[state]
