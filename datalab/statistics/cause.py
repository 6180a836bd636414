"""A cause of a lab's state, and what it is computed from; codes and figures only, no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from datalab.formats import Cell
from datalab.kinds import DatasetKind
from datalab.results.statistics import Finding

WRONG_KIND = "wrong-kind"
"""A dataset is certainly of another kind than its slot: a cause that is no finding, so it has no code."""
DROPS_OF_DATASET = "drops-of-dataset"
"""Several numbers of one dataset fell: one cause, whose consequences are the numbers."""
WIDE = "wide-identifiers"
"""A file of identifiers has a row per user, with a column for each identifier; recognised, so no finding."""
ARRAYS = "arrays-of-segments"
"""A file of segments has all segments of a user in one cell, as JSON array; recognised, so no finding."""


class Severity(StrEnum):
    """How severe a finding is; only an error keeps a lab from being Ready."""

    ERROR = "error"
    WARNING = "warning"
    CHANGE = "change"


@dataclass(frozen=True)
class Reason:
    """The most frequent reason for invalid rows of a dataset."""

    code: str
    rows: Cell


@dataclass(frozen=True)
class Cause:
    """A finding, and the findings that follow from it; `number` names it in one result (`numbered`)."""

    code: str
    severity: Severity
    subject: str
    """What the finding is about: a dataset, a configured identifier or a metric."""
    dataset: DatasetKind | None
    """The dataset to correct."""
    figures: tuple[Cell, ...] = ()
    """The figures of the finding, in its order."""
    limit: str = ""
    finding: Finding | None = None
    """None: this cause groups several findings."""
    reason: Reason | None = None
    names: tuple[str, ...] = ()
    """The configured identifiers, where no row has a value of the subject; empty: not known to be so."""
    is_of_format: bool = False
    """Whether the reason is the format of the values of the subject."""
    follows: tuple[Cause, ...] = ()
    number: int = field(default=0, compare=False)

    @property
    def exchanged(self) -> list[DatasetKind]:
        """The datasets that are in each other's slots, if this is the cause."""
        if self.code != WRONG_KIND or len(self.figures) < 2:
            return []
        return [kind for kind in DatasetKind if kind.value in self.figures]

    @property
    def worst(self) -> Severity:
        """The severity of the most severe finding of the group."""
        return min((self, *self.follows), key=lambda cause: list(Severity).index(cause.severity)).severity


@dataclass(frozen=True)
class Evidence:
    """What is known of the datasets of a lab in addition to its findings."""

    reasons: Mapping[DatasetKind, Reason] | None = None
    """The most frequent reason for invalid rows of each dataset that has some; None: not known."""
    id_formats: Mapping[str, str] = field(default_factory=dict)
    """The configured identifiers → the reason of a row whose id has not their format; empty: every text has it."""
    hints: Mapping[DatasetKind, Mapping[str, int]] = field(default_factory=dict)
    """The hints of each dataset: code → number of rows."""
    looks_like: Mapping[DatasetKind, DatasetKind] = field(default_factory=dict)
    """Slot → the other kind that its dataset certainly has."""
    file_problems: Mapping[DatasetKind, Sequence[str]] = field(default_factory=dict)
    """Slot → what is recognised in the file of its dataset: `WIDE`, `ARRAYS`, or codes of hints that say the same."""
