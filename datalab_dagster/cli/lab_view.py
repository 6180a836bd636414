"""A lab on the terminal: its state, its datasets, its history. This module only prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape

from datalab.dashboard.sentences import advice
from datalab.dashboard.states import slot_words
from datalab.dashboard.verdicts import with_consequences
from datalab.formats import name_or_unnamed, size
from datalab.kinds import DatasetKind
from datalab.statistics.cause import Cause
from datalab.statistics.slots import Slot
from datalab_dagster.cli.listing import coloured, console_for_text, line, print_table, short, when
from datalab_dagster.service import Action, EventInfo, LabInfo, OtherLabInfo, SlotInfo

_DONE = {
    Action.PROVISIONED: "provisioned",
    Action.REPROVISIONED: "provisioned again",
    Action.DEPROVISIONED: "deprovisioned",
}


def print_labs(labs: Sequence[LabInfo], others: Sequence[OtherLabInfo], causes: Mapping[str, Cause]) -> None:
    """Print a row per lab, or how to create the first; then the labs of others.

    Args:
        labs: the user's labs.
        others: what the user sees of other labs.
        causes: id → what is said first of the lab.
    """
    if labs or not others:
        print_own(labs)
    for lab in labs:
        if lab.id in causes:
            line(f"{name_or_unnamed(lab.name, lab.created_at)}: {with_consequences(causes[lab.id])}")
    print_others(others)


def print_others(others: Sequence[OtherLabInfo]) -> None:
    """Print a row per lab of others, if there is one."""
    if others:
        line("\nLabs of others, of which you see the state; an owner can name you one too (`datalab lab owners`):")
        rows = [
            (lab.id, name_or_unnamed(lab.name), coloured(lab.state, lab.title), ", ".join(lab.owners)) for lab in others
        ]
        print_table(("lab", "name", "state", "owners"), rows, markup=("state",))


def print_own(labs: Sequence[LabInfo]) -> None:
    """Print a row per lab of the user, or how to create the first."""
    if not labs:
        line("There are no labs yet. Create one: `datalab lab create LAB.json`.")
        return
    rows = [
        (
            lab.id,
            name_or_unnamed(lab.name, lab.created_at),
            coloured(lab.state.state, lab.state.title),
            ", ".join(kind.value for kind in lab.definition.datasets if kind in _filled(lab)) or "–",
            ", ".join(kind.value for kind in lab.definition.datasets if kind not in _filled(lab)) or "–",
            when(lab.created_at),
            ", ".join(lab.owners),
        )
        for lab in labs
    ]
    print_table(("lab", "name", "state", "provisioned", "missing", "made", "owners"), rows, markup=("state",))


def print_state(lab: LabInfo, cause: Cause | None = None) -> None:
    """Print the state of a lab, its reason, its first cause, and what to do next."""
    console = console_for_text()
    console.print(
        f"\n[bold]{escape(name_or_unnamed(lab.name, lab.created_at))}[/bold]  {lab.id}", highlight=False, soft_wrap=True
    )
    console.print(
        f"{coloured(lab.state.state, lab.state.title)}: {escape(lab.state.reason)}", highlight=False, soft_wrap=True
    )
    if cause is not None:
        console.print(f"{with_consequences(cause)} {advice(cause)}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"Next: {lab.state.next_step}", highlight=False, soft_wrap=True, markup=False)


def print_definition(lab: LabInfo) -> None:
    """Print the collaboration types and identifiers of a lab."""
    definition = lab.definition
    line(f"\nCreated {when(lab.created_at)} by {lab.created_by}; owners: {', '.join(lab.owners)}")
    line(f"Partition key in Dagster: {lab.partition_key}")
    line(f"For: {', '.join(kind.value for kind in definition.collaboration_types)}")
    rows = []
    for entry in definition.identifiers_config:
        roles = (("matching", entry.is_matching_id), ("activation", entry.is_activation_id))
        rows.append((entry.id_name, entry.id_type.value, ", ".join(role for role, held in roles if held) or "–"))
    print_table(("identifier", "type", "roles"), rows)


def print_slots(lab: LabInfo, states: Mapping[DatasetKind, Slot] | None = None) -> None:
    """Print a row per slot, filled or empty, with its state in the current result if that is known."""
    filled = _filled(lab)
    rows = []
    for kind in lab.definition.datasets:
        slot = filled.get(kind)
        state = [slot_words(states[kind])] if states else []
        if slot is None:
            rows.append((kind.value, *state, "–", "not provisioned", "", "", ""))
            continue
        placed = (size(slot.size), when(slot.provisioned_at), slot.provisioned_by)
        rows.append((kind.value, *state, short(slot.manifest_hash), slot.dataset_name, *placed))
    header = ("slot", *(["state"] if states else []), "dataset", "name", "size", "provisioned", "by")
    print_table(header, rows, numbers=("size",))


def print_events(events: Sequence[EventInfo]) -> None:
    """Print every change of a lab's slots, the newest first."""
    if not events:
        return
    rows = [
        (
            when(event.at),
            event.kind.value,
            "confirmed" if event.manifest_hash and event.manifest_hash == event.replaced else _DONE[event.action],
            short(event.manifest_hash or ""),
            short(event.replaced or ""),
            event.by,
            event.cause,
        )
        for event in reversed(events)
    ]
    print_table(("when", "slot", "what", "dataset", "instead of", "by", "cause"), rows)


def _filled(lab: LabInfo) -> dict[DatasetKind, SlotInfo]:
    return {slot.kind: slot for slot in lab.slots}
