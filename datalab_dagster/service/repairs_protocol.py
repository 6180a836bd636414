"""The interface of repairs of stored datasets, as `LabService.repairs` offers it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal

RowsProgress = Callable[[int, int, int], None]
"""Called with (records read, bytes read, bytes of the dataset) while a dataset is repaired."""


@dataclass(frozen=True)
class RepairQuery:
    """Which repair of a stored dataset is wanted."""

    manifest_hash: str
    kind: DatasetKind | None = None
    """Which kind it is; None: what it certainly looks like."""
    lab: LabDefinition | None = None
    """The definition that its rows must fit; None: types of ids are proposed from the dataset."""
    steps: Collection[StepName] | None = None
    """Only these; None: all."""


class Repairs(Protocol):
    """Repairs of datasets that the user may read; the original and its hash are not changed.

    Both methods raise:
        DatasetNotFound, KeyNotFound, KeyAccessDenied, ChunkDamaged: as their names say.
        NotRepairable: the dataset is damaged, or is none.
        KindUnknown: it is not certain which kind it is, and `kind` is None.
        StepNotProposed: one of `steps` has nothing to do.
    """

    def propose(self, wanted: RepairQuery) -> RepairProposal:
        """Return the steps that a dataset needs, tried on its first records."""

    def store(self, wanted: RepairQuery, *, progress: RowsProgress | None = None) -> RepairInfo:
        """Do the steps, and keep the result as a new dataset, "… (repaired)".

        The users of the original may use the new dataset; the user who repairs becomes an owner of it. Over HTTP
        there is no progress.

        Raises:
            StepNotProposed: no step is proposed at all, or as above.
            NotADataset: no row is left; nothing was stored.
            TooManyRepairs: the deployment is busy with others; only over HTTP.
        """
