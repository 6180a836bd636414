"""The words of the states of slots and files, which `datalab.statistics.slots` computes."""

from __future__ import annotations

from datalab.formats import counted, number
from datalab.statistics.slots import RowsState, Slot, SlotState

SLOT_WORDS = {
    SlotState.EMPTY: "Empty",
    SlotState.WRONG_KIND: "Wrong kind",
    SlotState.NOT_VALIDATED: "Not validated",
    SlotState.CHECKING: "Checking",
    SlotState.GOOD: "Good",
    SlotState.PROBLEM: "Problem",
}


def slot_words(slot: Slot) -> str:
    """Return the state of a slot in words.

    >>> slot_words(Slot(SlotState.WARNINGS, 2)), slot_words(Slot(SlotState.PROBLEM))
    ('2 warnings', 'Problem')
    """
    return SLOT_WORDS.get(slot.state) or counted(slot.warnings, "warning")


def rows_words(state: RowsState, rows: int, valid: int) -> str:
    """Return how much of a file is valid, in words.

    >>> rows_words(RowsState.FEW, 3000, 2), rows_words(RowsState.ALL, 3000, 3000)
    ('2 of 3,000 rows valid', 'Passed')
    """
    if state in (RowsState.FEW, RowsState.MOST):
        return f"{number(valid)} of {counted(rows, 'row')} valid"
    return {RowsState.FAILED: "Failed", RowsState.NONE: "No valid row"}.get(state, "Passed")
