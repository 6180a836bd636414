"""Repairs files that people export in another form: proposes steps, and writes a copy with them done.

Nothing is changed without being chosen, and the file stays as it is. `plan` proposes, `repair` writes.
"""

from datalab.ingest.repair.errors import KindUnknown, NotRepairable, StepNotProposed
from datalab.ingest.repair.plan import Plan, Planned, plan
from datalab.ingest.repair.step import StepName
from datalab.ingest.repair.steps import STEPS
from datalab.ingest.repair.stream import Repaired, Repairing, repair

__all__ = [
    "STEPS",
    "KindUnknown",
    "NotRepairable",
    "Plan",
    "Planned",
    "Repaired",
    "Repairing",
    "StepName",
    "StepNotProposed",
    "plan",
    "repair",
]
