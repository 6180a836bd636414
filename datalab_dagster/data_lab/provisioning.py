"""Provisions datasets to one lab, all of a call or none, and remembers those that wait for identifiers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from datalab.errors import DatalabError
from datalab.kinds import MATCHING, DatasetKind
from datalab_dagster.archv2.errors import (
    DatasetNotProvisioned,
    DatasetUnknown,
    IdentifiersMissing,
    KeyNotKept,
    MatchingPathMissing,
    SecretMissing,
    SlotNotConfigured,
)
from datalab_dagster.archv2.leaves import TYPES
from datalab_dagster.archv2.secret import SecretStoreOptions
from datalab_dagster.client import Client
from datalab_dagster.service import Problem, ProblemCode, ProvisioningRefused
from datalab_dagster.storage import Key

CAUSE = "SDK"


class Slots:
    """The slots of one lab.

    Args:
        client: calls the deployment.
        lab_id: the lab.
        kinds: the datasets that the lab is configured for.
        changing: called just before a change, because results may belong to other data from then on.

    Attributes:
        pending: slot → manifest hash of the dataset that will be provisioned together with identifiers.
    """

    def __init__(
        self, client: Client, lab_id: str, kinds: Mapping[DatasetKind, bool], changing: Callable[[], None]
    ) -> None:
        self._client = client
        self._lab_id = lab_id
        self._kinds = kinds
        self._changing = changing
        self.pending: dict[DatasetKind, str] = {}

    def provision(self, datasets: Mapping[DatasetKind, str]) -> None:
        """Provision datasets and the pending ones in one transaction.

        Raises:
            SlotNotConfigured: the lab has no such dataset.
            DatasetUnknown, SecretMissing: a dataset, or its key, does not exist.
            IdentifiersMissing: identifiers are not provisioned; the datasets are remembered.
        """
        for kind in datasets:
            self.check(kind)
        changes: dict[DatasetKind, str | None] = {**self.pending, **datasets}
        self._changing()
        try:
            self._client.service.change(self._lab_id, changes, cause=CAUSE)
        except ProvisioningRefused as error:
            raise self._refused(error, changes) from error
        self.pending.clear()

    def deprovision(self, kind: DatasetKind) -> None:
        """Empty a slot.

        Raises:
            SlotNotConfigured: the lab has no such dataset.
            DatasetNotProvisioned: the slot is empty.
        """
        self.check(kind)
        remembered = self.pending.pop(kind, None)
        self._changing()
        try:
            self._client.service.change(self._lab_id, {kind: None}, cause=CAUSE)
        except ProvisioningRefused as error:
            if remembered is None:
                raise DatasetNotProvisioned(TYPES[kind].name) from error

    def provision_files(
        self, key: Key, paths: Mapping[DatasetKind, str | None], options: SecretStoreOptions | None
    ) -> None:
        """Upload files and provision them, after checking everything that can be checked without an upload.

        The files are uploaded in the order of `paths`.

        If a later step fails, the lab is unchanged, and the uploads are deleted.

        Raises:
            MatchingPathMissing, SlotNotConfigured, KeyNotKept, AccessListRefused: nothing was uploaded.
            OSError: a file is missing or cannot be read; nothing was uploaded.
            UploadInterrupted: the store failed, or the connection was lost.
        """
        if not (paths[MATCHING] or "").strip():
            raise MatchingPathMissing
        given = {kind: path for kind, path in paths.items() if path is not None}
        for kind in given:
            self.check(kind)
        if options is not None:
            if not options.store_encryption_key:
                raise KeyNotKept
            options.access(self._client.user_email)
        with ExitStack() as stack:
            files = {kind: stack.enter_context(Path(path).open("rb")) for kind, path in given.items()}
            uploaded: dict[DatasetKind, str] = {}
            try:
                for kind, file in files.items():
                    uploaded[kind] = self._upload(file, Path(given[kind]).stem, key, options)
                self.provision(uploaded)
            except BaseException:
                self._forget(uploaded)
                raise

    def check(self, kind: DatasetKind) -> None:
        """Check that the lab has such a dataset.

        Raises:
            SlotNotConfigured: it does not.
        """
        if not self._kinds[kind]:
            raise SlotNotConfigured(TYPES[kind].name)

    def _upload(self, file: BinaryIO, name: str, key: Key, options: SecretStoreOptions | None) -> str:
        return self._client.upload_dataset(file, key, name, secret_store_options=options)

    def _forget(self, uploaded: Mapping[DatasetKind, str]) -> None:
        """Delete uploads of a call that failed. One that was provisioned nevertheless is kept."""
        for manifest_hash in uploaded.values():
            with contextlib.suppress(DatalabError):
                self._client.service.delete_dataset(manifest_hash)

    def _refused(self, error: ProvisioningRefused, changes: Mapping[DatasetKind, str | None]) -> DatalabError:
        """Return the vendor's error for the first broken rule; remember the datasets that can wait for identifiers."""
        for problem in error.problems:
            translated = self._translated(problem, changes)
            if translated is not None:
                self.pending.pop(problem.kind, None)
                return translated
        if all(problem.code is ProblemCode.IDENTIFIERS_MISSING for problem in error.problems):
            self.pending = {kind: name for kind, name in changes.items() if name is not None}
            return IdentifiersMissing()
        return error

    def _translated(self, problem: Problem, changes: Mapping[DatasetKind, str | None]) -> DatalabError | None:
        manifest_hash = changes.get(problem.kind) or ""
        if problem.code is ProblemCode.NO_SUCH_SLOT:
            return SlotNotConfigured(TYPES[problem.kind].name)
        if problem.code is ProblemCode.NO_SUCH_DATASET:
            return DatasetUnknown(manifest_hash)
        return SecretMissing(manifest_hash) if problem.code is ProblemCode.NO_KEY else None
