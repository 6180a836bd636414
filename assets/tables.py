"""The numbers of a panel as metadata: figures that Dagster plots over time, and a short Markdown table.

Only configured names and counts: a segment, an age or a gender is a value of a row and must not appear here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from datalab.formats import number
from datalab.statistics import NumberTable

LOCKED = "The lab's collaboration types or datasets do not unlock this panel."


@dataclass(frozen=True)
class PanelNumbers:
    """The metadata of a panel in Dagster's UI."""

    plotted: Mapping[str, int | float]
    markdown: str


def numbers_of(table: NumberTable | None) -> PanelNumbers:
    """Return the numbers of a panel; None: the lab does not unlock it."""
    if table is None:
        return PanelNumbers({}, LOCKED)
    names = table.header[1:]
    lines = ["| " + " | ".join(table.header) + " |", "|---" + "|--:" * len(names) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows]
    plotted = {
        f"datalab/{row[0]}/{name.replace(' ', '_')}": cell
        for row in table.rows
        for name, cell in zip(names, row[1:], strict=True)
        if not isinstance(cell, str)
    }
    return PanelNumbers(plotted, "\n".join(lines))


def _cell(cell: str | int | float) -> str:
    return number(cell).replace("|", "\\|")
