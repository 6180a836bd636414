"""The master key of the deployment on this machine, behind `Keys`, which documents every call."""

from __future__ import annotations

from datalab.deployment import StoredDatasets


class LocalKeys:
    """The master key of a deployment's datasets."""

    def __init__(self, datasets: StoredDatasets) -> None:
        self._datasets = datasets

    def rotate(self) -> int:
        return self._datasets.rotate_master_key()
