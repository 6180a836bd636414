"""All steps, in the one order in which they are done."""

from __future__ import annotations

from datalab.ingest.repair import cells, columns, lines
from datalab.ingest.repair.step import Step, StepName

STEPS: dict[StepName, Step] = {step.name: step for step in (*lines.STEPS, cells.BLANKS, *columns.STEPS, *cells.STEPS)}
"""Every step by its name."""

if list(STEPS) != list(StepName):
    raise AssertionError("the steps have the order of their names")
