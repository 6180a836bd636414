"""The documents of a lab as people read them: those of the current result are copied to the registry.

A copy is read first, so that a current result is shown while the object store is away, and without a request to it.
Storage in a directory is where the program is: then there are no copies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import cached_property

from typing_extensions import override

from datalab.deployment import layout
from datalab.deployment.addresses import REPORT, SUMMARY, Address, Datasets, result, validated
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.lab_objects import LabObjects
from datalab.deployment.sets import COMPLETE, Sets
from datalab.errors import InputMissing
from datalab.registry.copies import Copies
from datalab.storage.errors import StoreUnreachable
from datalab.storage.objects import Objects

MOST_BYTES = 16 * 2**20
"""Of a document that is copied; a larger one is shown only while the object store answers."""


class ShownFiles:
    """The documents of a lab, for one request of a person: a store that did not answer is not asked again.

    Args:
        stored: all documents.
        copied: those that are copied to the registry.
    """

    def __init__(self, stored: EncryptedPlace, copied: EncryptedPlace | None = None) -> None:
        self._stored = stored
        self._copied = copied
        self._away: StoreUnreachable | None = None

    def has(self, address: Address) -> bool:
        """Return whether a document exists, in this version or an earlier one; raises as `Place.read`."""
        if self._copied and self._copied.has(self._copied.newest(address)):
            return True
        with self._noting_absence():
            return self._stored.has(self._stored.newest(address))

    def read(self, address: Address) -> bytes:
        """Return a document in its newest version; raises as `Place.read`."""
        if self._copied:
            with contextlib.suppress(InputMissing, DatasetNotValidated):
                return self._copied.read(self._copied.newest(address))
        with self._noting_absence():
            return self._stored.read(self._stored.newest(address))

    @contextlib.contextmanager
    def _noting_absence(self) -> Iterator[None]:
        if self._away:
            raise self._away
        try:
            yield
        except StoreUnreachable as error:
            self._away = error
            raise


class CopiedObjects(LabObjects):
    """The objects of a lab that are copied to the registry."""

    def __init__(self, objects: Objects, lab: str, copies: Copies) -> None:
        super().__init__(objects, lab)
        self._lab = lab
        self._copies = copies

    @cached_property
    def _names(self) -> set[str]:
        return self._copies.names(self._lab)

    @override
    def exists(self, name: str) -> bool:
        return name in self._names

    @override
    def get(self, name: str) -> bytes | None:
        return self._copies.get(self._lab, name) if name in self._names else None


def to_copy(objects: LabObjects, run_id: str, names: Iterable[str], datasets: Datasets) -> Iterator[tuple[str, bytes]]:
    """Yield what is copied of a result, as it is stored: files, and the reports and summaries of datasets.

    Args:
        objects: of the lab.
        run_id: the run of the result.
        names: of its files.
        datasets: those whose validations are shown with it.
    """
    wanted = [layout.document(result(run_id, name)) for name in names]
    sets = Sets(objects)
    for kind, manifest_hash in datasets.items():
        report = validated(kind, manifest_hash, REPORT)
        for folder in map(layout.folder, report.earlier):
            if written := sets.complete(folder):
                shown = (layout.in_set(report.beside(name)) for name in (REPORT, SUMMARY))
                wanted += [f"{folder}/{COMPLETE}", *(f"{folder}/{written.written}/{name}" for name in shown)]
                break
    for name in wanted:
        if (data := objects.get(name)) is not None and len(data) <= MOST_BYTES:
            yield name, data
