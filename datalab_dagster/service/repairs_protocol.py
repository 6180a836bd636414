"""The interface of repairs of stored datasets, as `LabService.repairs` offers it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal

RowsProgress = Callable[[int, int, int], None]
"""Called with (records read, bytes read, bytes of the dataset) while a dataset is repaired."""


class Repairs(Protocol):
    """Repairs of datasets that the user may read; the original and its hash are not changed.

    Both methods raise:
        DatasetNotFound, KeyNotFound, KeyAccessDenied, ChunkDamaged: as their names say.
        NotRepairable: the dataset is damaged, or is none.
        KindUnknown: it is not certain which kind it is, and `kind` is None.
        StepNotProposed: one of `steps` has nothing to do.
    """

    def propose(
        self,
        manifest_hash: str,
        *,
        kind: DatasetKind | None = None,
        lab: LabDefinition | None = None,
        steps: Collection[StepName] | None = None,
    ) -> RepairProposal:
        """Return the steps that a dataset needs, tried on its first records.

        Args:
            manifest_hash: the dataset.
            kind: which kind it is; None: what it certainly looks like.
            lab: the definition that its rows must fit; None: types of ids are proposed from the dataset.
            steps: only these; None: all.
        """

    def store(
        self,
        manifest_hash: str,
        *,
        kind: DatasetKind | None = None,
        lab: LabDefinition | None = None,
        steps: Collection[StepName] | None = None,
        progress: RowsProgress | None = None,
    ) -> RepairInfo:
        """Do the steps, and keep the result as a new dataset, "… (repaired)"; the arguments are those of `propose`.

        The users of the original may use the new dataset; the user who repairs becomes an owner of it. Over HTTP
        there is no progress.

        Raises:
            StepNotProposed: no step is proposed at all, or as above.
            NotADataset: no row is left; nothing was stored.
            TooManyRepairs: the deployment is busy with others; only over HTTP.
        """
