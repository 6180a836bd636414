"""The computed files of a lab in a deployment's storage, which is a directory or an object store.

Rows and reports are encrypted with the key of their dataset; aggregates are not encrypted. Names, and what a file is
bound to: `datalab.deployment.layout`. A dataset's folder is named by its content, so a run for new segments finds the
validated identifiers of an earlier run. Deleting a dataset deletes its key; afterwards, files computed from its rows
cannot be read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from datalab.deployment import layout
from datalab.deployment.addresses import INVALID_ROWS, REPORT, ROWS, SUMMARY, Address, Layer, result, validated
from datalab.deployment.errors import DatasetNotValidated, NoScratch, StoredFileDamaged, StoredFileMissing
from datalab.deployment.lab_objects import LabObjects
from datalab.deployment.places import Intact
from datalab.deployment.sets import Complete, Sets, StoredFile
from datalab.errors import InputMissing, InputUnreadable, OutputFailed
from datalab.kinds import MATCHING, DatasetKind
from datalab.scratch import forget, new_file, publish, why
from datalab.storage import Key, ParquetCipher, decrypt_bytes, encrypt_bytes
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.parquet import BATCH_ROWS

KeyOf = Callable[[str], Key]
"""Returns the key of a dataset, by its manifest hash."""


class EncryptedPlace:
    """The files of a lab in a deployment's storage.

    Args:
        objects: of the lab.
        lab: its id; every encrypted file is bound to it.
        key_of: returns the key of a dataset.
        scratch: a private directory of the run for plain rows; None: rows cannot be opened or stored.
    """

    def __init__(self, objects: LabObjects, lab: str, key_of: KeyOf, scratch: Path | None = None) -> None:
        self._objects = objects
        self._sets = Sets(objects)
        self._lab = lab
        self._key_of = key_of
        self._scratch = scratch

    @property
    def root(self) -> UPath:
        return self._objects.root

    def location(self, address: Address) -> UPath:
        name = layout.folder(address) if layout.is_of_set(address) else layout.document(address)
        return self._objects.location(name)

    def has(self, address: Address) -> bool:
        """Return whether a file exists."""
        if layout.is_of_set(address) and (found := self._sets.complete(layout.folder(address))):
            return layout.in_set(address) in found.files
        return any(self._objects.exists(name) for name in self._single(address))

    def newest(self, address: Address) -> Address:
        """Return the newest address of a file in this version or an earlier one; itself if there is none."""
        return next(filter(self.has, address.earlier), address)

    def is_stored(self, kind: DatasetKind, manifest_hash: str) -> bool:
        """Return whether the results of validating a dataset exist under the names of this version."""
        return self._sets.complete(layout.folder(validated(kind, manifest_hash, ROWS))) is not None

    def is_validated(self, kind: DatasetKind, manifest_hash: str) -> bool:
        """Return whether all results of validating a dataset exist."""
        return self._is_complete(validated(kind, manifest_hash, ROWS))

    def read(self, address: Address) -> bytes:
        if address.layer is Layer.VALIDATED and address.name == SUMMARY:
            self._must_be_complete(address)
        written = self._sets.readable(layout.folder(address)) if layout.is_of_set(address) else None
        names = self._single(address) if written is None else [self._in_set(address, written)]
        for name in names:
            if (data := self._objects.get(name)) is not None:
                return self._opened(address, written, name, data)
        raise self._missing(address, names[0] if names else layout.folder(address))

    def _opened(self, address: Address, written: Complete | None, name: str, data: bytes) -> bytes:
        if not address.is_private:
            return data
        try:
            return decrypt_bytes(data, self._key(address), self._context(address, written))
        except EncryptedFileDamaged:
            raise self._damaged(address, name) from None

    def write(self, address: Address, text: str) -> None:
        data = text.encode()
        if not layout.is_of_set(address):
            self._objects.put(layout.document(address), data)
            return
        begun = self._sets.begun(layout.folder(address))
        if address.is_private:
            data = encrypt_bytes(data, self._key(address), self._context(address, begun))
        self._objects.put(self._in_set(address, begun), data)
        begun.files[layout.in_set(address)] = StoredFile(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        if address.name == SUMMARY:
            self._sets.end(layout.folder(address))

    def open_rows(self, address: Address) -> Path:
        plain = self._plain(address)
        if plain.exists():
            return plain
        written = self._must_be_complete(address)
        with self._whole(address, written) as path:
            try:
                self._cipher(address, written).decrypt_to(path, plain)
            except EncryptedFileDamaged:
                raise self._damaged(address, self._name(address, written)) from None
        return plain

    def keep_rows(self, address: Address, rows: Path) -> None:
        plain, folder = self._plain(address), layout.folder(address)
        begun = self._sets.begun(folder)
        name, sealed = self._in_set(address, begun), plain.with_name(f"sealed-{plain.name}")
        try:
            with pq.ParquetFile(rows) as file:
                self._cipher(address, begun).encrypt_to(file, new_file(sealed))
                count = file.metadata.num_rows
            stored = StoredFile(sha256=_sha256(sealed), size=sealed.stat().st_size, rows=count)
            self._objects.put_file(name, sealed)
        except OSError as error:
            raise OutputFailed(self._objects.shown(name), why(error)) from None
        finally:
            forget(sealed)
        begun.files[layout.in_set(address)] = stored
        if address.layer is Layer.COMPUTED:
            self._sets.end(folder)
        if address.name == INVALID_ROWS:
            forget(rows)  # no run reads them
        else:
            publish(rows, plain)  # so that this run does not decrypt it

    def read_rows(self, address: Address, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield columns of rows in batches, decrypted in memory; raises the errors of `open_rows`."""
        with self.stored_rows(address) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns))

    @contextlib.contextmanager
    def stored_rows(self, address: Address) -> Iterator[pq.ParquetFile]:
        """Open encrypted rows, which are decrypted in memory only; raises as `open_rows`."""
        written = self._must_be_complete(address)
        name = self._name(address, written)
        try:
            with (
                self._objects.opened(name) as source,
                self._cipher(address, written).open(source, self._objects.shown(name)) as file,
            ):
                yield file
        except (FileNotFoundError, InputMissing):
            raise self._missing(address, name) from None
        except EncryptedFileDamaged:
            raise self._damaged(address, name) from None

    def verify(self, address: Address) -> Intact:
        written = self._must_be_complete(address)
        if written:
            for inside, stored in written.files.items():
                self._compare(address, self._inside(address, written, inside), stored)
        with self.stored_rows(address) as file:
            return Intact(rows=file.metadata.num_rows, parts=1)

    def _compare(self, address: Address, name: str, stored: StoredFile) -> None:
        try:
            is_same = self._objects.is_as_put(name) or self._objects.sha256(name) == stored.sha256
        except FileNotFoundError:
            raise self._missing(address, name) from None
        if not is_same:
            raise self._damaged(address, name)

    def result_names(self, run_id: str) -> list[str]:
        """Return the names of the files of a run's result."""
        folder = layout.document(result(run_id, "_")).rpartition("/")[0]
        return [name for name in self._objects.list(folder) if not name.startswith(".")]

    # -------------------------------------------------------------------------------------------- where files are

    def _single(self, address: Address) -> list[str]:
        """Return the names of a file that is in no set, this version's first."""
        earlier = None if address.layer is Layer.RESULTS else layout.unversioned(address)
        own = [] if layout.is_of_set(address) else [layout.document(address)]
        return own if earlier is None else [*own, earlier]

    def _in_set(self, address: Address, written: Complete) -> str:
        return self._inside(address, written, layout.in_set(address))

    @staticmethod
    def _inside(address: Address, written: Complete, name: str) -> str:
        return f"{layout.folder(address)}/{written.written}/{name}"

    def _name(self, address: Address, written: Complete | None) -> str:
        return self._single(address)[-1] if written is None else self._in_set(address, written)

    def _is_complete(self, address: Address) -> bool:
        return all(self.has(address.beside(name)) for name in (ROWS, REPORT, SUMMARY))

    def _must_be_complete(self, address: Address) -> Complete | None:
        """Return the set of a file; None: a version before 0.2 wrote it.

        Raises:
            DatasetNotValidated, InputMissing: there is none.
        """
        written = self._sets.complete(layout.folder(address))
        if written is None:
            if address.layer is Layer.VALIDATED and not self._is_complete(address):
                raise DatasetNotValidated(self._lab, address.dataset[0], provisioned=True)
            if not self.has(address):
                raise self._missing(address, layout.folder(address))
        elif layout.in_set(address) not in written.files:
            raise self._missing(address, self._in_set(address, written))
        return written

    @contextlib.contextmanager
    def _whole(self, address: Address, written: Complete | None) -> Iterator[Path]:
        """Yield encrypted rows as a file of this machine, after they were compared with what was recorded."""
        name, copy = self._name(address, written), self._plain(address).with_suffix(".sealed")
        try:
            with self._objects.local(name, copy) as path:
                if written and _sha256(path) != written.files[layout.in_set(address)].sha256:
                    raise self._damaged(address, name)
                yield path
        except (FileNotFoundError, InputMissing):
            raise self._missing(address, name) from None
        except OSError as error:
            raise InputUnreadable(self._objects.shown(name), why(error)) from None
        finally:
            forget(copy)

    def _plain(self, address: Address) -> Path:
        if self._scratch is None:
            raise NoScratch
        return self._scratch / f"{layout.folder(address).replace('/', '-')}-{address.name}.parquet"

    # ------------------------------------------------------------------------------------------------- encryption

    def _key(self, address: Address) -> Key:
        """Return the key of the dataset; for files made of several datasets, the key of the identifiers."""
        return self._key_of(address.dataset[1] if address.layer is Layer.VALIDATED else address.datasets[MATCHING])

    def _context(self, address: Address, written: Complete | None) -> str:
        if written is None:
            return layout.unversioned_context(self._lab, address)
        return layout.context(self._lab, address, written.written)

    def _cipher(self, address: Address, written: Complete | None) -> ParquetCipher:
        return ParquetCipher(self._key(address), self._context(address, written))

    def _missing(self, address: Address, name: str) -> InputMissing:
        return StoredFileMissing(_kind(address), self._objects.shown(name))

    def _damaged(self, address: Address, name: str) -> EncryptedFileDamaged:
        return StoredFileDamaged(_kind(address), self._objects.shown(name))


def _kind(address: Address) -> DatasetKind | None:
    return address.dataset[0] if address.layer is Layer.VALIDATED else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
