"""The stored files of all labs: their places, and their removal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from datalab.deployment import layout
from datalab.deployment.addresses import ROWS, Datasets, Layer, combination, result, validated
from datalab.deployment.encrypted_place import EncryptedPlace, KeyOf
from datalab.deployment.folders import one_name
from datalab.deployment.lab_objects import LabObjects
from datalab.deployment.shown import CopiedObjects, ShownFiles, to_copy
from datalab.kinds import DatasetKind
from datalab.registry.copies import NO_COPIES, Copies
from datalab.storage.objects import Objects


class LabFolders:
    """The files of all labs.

    Args:
        storage: of the deployment.
        key_of: returns the key of a dataset.
        copies: of documents, if the storage is an object store.
    """

    def __init__(self, storage: Objects, key_of: KeyOf, copies: Copies | None = None) -> None:
        self._storage = storage
        self._key_of = key_of
        self._copies = None if storage.is_local else copies

    def place(self, lab: str, scratch: Path | None = None) -> EncryptedPlace:
        """Return the place of a lab's computed files; `scratch` is a run's, None outside a run."""
        return EncryptedPlace(self._of(lab), lab, self._key_of, scratch)

    def shown(self, lab: str) -> ShownFiles:
        """Return a lab's documents as people read them."""
        if self._copies is None:
            return ShownFiles(self.place(lab))
        copied = CopiedObjects(self._storage, lab, self._copies)
        return ShownFiles(self.place(lab), EncryptedPlace(copied, lab, self._key_of))

    def copies(
        self, lab: str, run_id: str, names: Iterable[str], datasets: Datasets = MappingProxyType({})
    ) -> Mapping[str, bytes]:
        """Return what the registry copies of a result, see `to_copy`; nothing if the storage is a directory."""
        return NO_COPIES if self._copies is None else dict(to_copy(self._of(lab), run_id, names, datasets))

    def is_copied(self, lab: str, run_id: str) -> bool:
        """Return whether the registry has the copies of a result that it should have."""
        return self._copies is None or self._copies.run_of(lab) == run_id

    def remove_result(self, lab: str, run_id: str) -> None:
        self._of(lab).remove(layout.document(result(one_name(run_id), "_")).rpartition("/")[0])

    def remove_lab(self, lab: str) -> None:
        self._of(lab).remove_all()

    def keep_only(self, lab: str, wanted: Iterable[Datasets]) -> None:
        """Remove the files of all datasets and combinations except the `wanted` ones.

        Of a dataset, files of earlier versions stay until those of this version are complete.
        """
        wanted = list(wanted)
        kept = {combination(datasets) for datasets in wanted}
        for kind, manifest_hash in {content for datasets in wanted for content in datasets.items()}:
            kept |= self._validated(lab, kind, manifest_hash)
        files = self._of(lab)
        for layer in (Layer.COMPUTED, Layer.VALIDATED):
            for name in files.list(layer):
                if name not in kept:
                    files.remove(f"{layer}/{name}")

    def _validated(self, lab: str, kind: DatasetKind, manifest_hash: str) -> set[str]:
        """Return the names of the folders of a validated dataset that are needed."""
        own, *earlier = layout.folders(validated(kind, manifest_hash, ROWS))
        return {own} if self.place(lab).is_stored(kind, manifest_hash) else {own, *earlier}

    def _of(self, lab: str) -> LabObjects:
        return LabObjects(self._storage, lab)
