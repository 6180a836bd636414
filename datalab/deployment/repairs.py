"""Repairs of stored datasets: proposed from a sample, and kept as a new dataset. The original is never changed.

A dataset is decrypted while it is read, and the repaired text is encrypted before it is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from datalab.deployment.datasets import StoredDatasets
from datalab.ingest.any_file import StoredFile
from datalab.ingest.repair import Plan, Repaired, Repairing, StepName, plan
from datalab.ingest.repair.stream import Progress
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Dataset, KeyRole, Origin
from datalab.registry.ownership import plain
from datalab.scratch import scratch_directory
from datalab.storage import Key
from datalab.validation.repairs import Proposal, Valid, proposal, valid_rows

_REPAIRED = " (repaired)"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class StoredRepair:
    """A repaired dataset, and what was done, in counts of all rows."""

    dataset: Dataset
    done: Repaired
    before: Valid | None
    """The valid rows of the original; None if only a lab could say which are valid."""
    after: Valid | None


class Repairs:
    """The repairs of one stored dataset, for a user who has its key.

    Args:
        datasets: of the deployment.
        manifest_hash: the dataset.
        key: its key.
        scratch: where private scratch directories are made.

    Raises:
        DatasetNotFound: it does not exist.
    """

    def __init__(self, datasets: StoredDatasets, manifest_hash: str, key: Key, scratch: Path) -> None:
        self._datasets = datasets
        self._original = datasets.registry.datasets.get(manifest_hash)
        self._scratch = scratch
        self._file = self._content(self._original, key)

    def propose(
        self,
        *,
        kind: DatasetKind | None = None,
        lab: LabDefinition | None = None,
        steps: Collection[StepName] | None = None,
    ) -> tuple[Plan, Proposal]:
        """Return the steps that the dataset needs; nothing is changed.

        Args:
            kind: which dataset it is; None: what it certainly looks like.
            lab: the definition that its rows must fit; None: types of ids are proposed from the dataset.
            steps: only these; None: all.

        Raises:
            NotRepairable, KindUnknown, StepNotProposed: as `plan`.
            ManifestDamaged, ChunkDamaged: the stored data were changed.
        """
        found = plan(self._file, kind=kind, lab=lab, chosen=steps)
        return found, proposal(found, lab)

    def store(
        self, found: Plan, lab: LabDefinition | None, *, by: str, progress: Progress | None = None
    ) -> StoredRepair:
        """Keep the dataset with the steps of a plan done as a new one, "… (repaired)".

        Users on the access list of the original are on that of the new one; `by` is an owner.

        Args:
            found: the steps.
            lab: the definition that valid rows are counted with; None: they are not counted.
            by: who repairs.
            progress: called for every block.

        Raises:
            NotRepairable: it is damaged; nothing was stored.
            NotADataset: no row is left; nothing was stored.
            UploadInterrupted: the store failed.
            ManifestDamaged, ChunkDamaged: the stored data were changed.
        """
        original = self._original
        with scratch_directory(self._scratch) as scratch:
            repairing = Repairing(found, scratch=scratch, progress=progress)
            with repairing.as_file() as text:
                dataset = self._datasets.upload(
                    text,
                    _name(original.name),
                    by=by,
                    description=original.description,
                    usage=original.usage,
                    access=_access(original.access or {}, by),
                    origin=lambda: Origin(original.manifest_hash, _counted(repairing.done)),
                )
        before = after = None
        if lab is not None:
            made = self._content(dataset, self._datasets.key(dataset.manifest_hash))
            before, after = (valid_rows(file, found.kind, lab, self._scratch) for file in (self._file, made))
        return StoredRepair(dataset, repairing.done, before, after)

    def _content(self, dataset: Dataset, key: Key) -> StoredFile:
        return StoredFile(dataset.name, lambda: cast("BinaryIO", self._datasets.store.open(dataset.manifest_hash, key)))


def _name(original: str) -> str:
    """Return the name of a repaired copy.

    >>> _name("segments.csv"), _name("segments.csv (repaired)")
    ('segments.csv (repaired)', 'segments.csv (repaired)')
    """
    return original.removesuffix(_REPAIRED)[: _LONGEST_NAME - len(_REPAIRED)] + _REPAIRED


def _access(listed: Mapping[str, KeyRole], by: str) -> dict[str, KeyRole]:
    return {user: role for user, role in listed.items() if plain(user) != plain(by)} | {by: KeyRole.OWNER}


def _counted(done: Repaired) -> list[dict[str, object]]:
    return [{"name": name.value, "rows": rows} for name, rows in done.touched.items()]
