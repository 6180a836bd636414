"""The folders of the labs below the home: their paths, and their removal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from datalab.deployment.addresses import Datasets, Layer, combination
from datalab.deployment.folders import one_name
from datalab.deployment.places import EncryptedPlace, KeyOf


class LabFolders:
    """The folders of all labs below `root`; `key_of` returns the key of a dataset."""

    def __init__(self, root: Path, key_of: KeyOf) -> None:
        self._root = root
        self._key_of = key_of

    def place(self, lab: str, scratch: Path | None = None) -> EncryptedPlace:
        """Return the place of a lab's computed files; `scratch` is a run's, None outside a run."""
        return EncryptedPlace(self._lab(lab), lab, self._key_of, scratch)

    def remove_result(self, lab: str, run_id: str) -> None:
        shutil.rmtree(self._lab(lab) / Layer.RESULTS / one_name(run_id), ignore_errors=True)

    def remove_lab(self, lab: str) -> None:
        shutil.rmtree(self._lab(lab), ignore_errors=True)

    def keep_only(self, lab: str, wanted: Iterable[Datasets]) -> None:
        """Remove the files of all datasets and combinations except the `wanted` ones."""
        wanted = list(wanted)
        combinations = {combination(datasets) for datasets in wanted}
        contents = {f"{kind.value}-{manifest_hash}" for datasets in wanted for kind, manifest_hash in datasets.items()}
        for layer, kept in ((Layer.COMPUTED, combinations), (Layer.VALIDATED, contents)):
            folder = self._lab(lab) / layer
            for found in folder.iterdir() if folder.is_dir() else ():
                if found.name not in kept:
                    shutil.rmtree(found, ignore_errors=True)

    def _lab(self, lab: str) -> Path:
        return self._root / one_name(lab)
