"""What a validation of one dataset found, in the deployment on this machine: its report and its hints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from datalab.deployment import Deployment, addresses
from datalab.deployment.errors import DatasetNotValidated
from datalab.errors import InputMissing
from datalab.kinds import MATCHING, DatasetKind
from datalab.registry import Dataset, Result
from datalab.registry.errors import DatasetNotFound, KeyNotFound
from datalab.results.validation import Hint
from datalab.statistics import ValidatedDataset
from datalab.statistics.datasets import depends_on_identifiers, shown_hints
from datalab.storage.errors import EncryptedFileDamaged
from datalab_dagster.service.errors import NOT_SHOWN, ResultNotFound


class LocalReports:
    """The validations of a result's datasets.

    Args:
        deployment: the deployment.
        result: the result.
        require: raises if the user may not read the report of a dataset.
    """

    def __init__(self, deployment: Deployment, result: Result, require: Callable[[Dataset], object]) -> None:
        self._deployment = deployment
        self._result = result
        self._require = require

    def report(self, kind: DatasetKind) -> bytes:
        """Return the private report of a dataset."""
        return self._read(kind, addresses.REPORT)

    def hints(self, kind: DatasetKind) -> list[Hint]:
        """Return the hints of a dataset; the right to read its report is needed, and for no other report."""
        found = {kind: self._summary(kind)}
        if kind is not MATCHING and depends_on_identifiers(found[kind]):
            with contextlib.suppress(*NOT_SHOWN):  # the lab has none, or it is not the user's to read
                found[MATCHING] = self._summary(MATCHING)
        return shown_hints(found)[kind]

    def _summary(self, kind: DatasetKind) -> ValidatedDataset:
        return ValidatedDataset.model_validate_json(self._read(kind, addresses.SUMMARY))

    def _read(self, kind: DatasetKind, name: str) -> bytes:
        result = self._result
        if kind not in result.datasets:
            raise ResultNotFound(result.lab_id, f"validation report of {kind.value}")
        try:
            self._require(self._deployment.registry.datasets.get(result.datasets[kind]))
            shown = self._deployment.folders.shown(result.lab_id)
            return shown.read(addresses.validated(kind, result.datasets[kind], name))
        except (InputMissing, DatasetNotValidated, DatasetNotFound, KeyNotFound, EncryptedFileDamaged):
            raise ResultNotFound(result.lab_id, f"validation report of {kind.value} that can be read") from None
