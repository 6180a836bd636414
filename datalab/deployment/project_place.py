"""The place of a lab in another Dagster project: a folder per partition, below a URL of that project.

With a key, everything that holds values of rows is encrypted; aggregates never are.

<kind>/                                           the report of a preflight, under its name (`.encrypted` with a key)
<kind>/rows.parquet, invalid_rows.parquet         Parquet, with a key encrypted
<kind>/facts.json, summary.json                   what is recognised in the file; counts
users.parquet, panels/<name>.json, <result file>
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from datalab.deployment.addresses import REPORT, SUMMARY, Address, Layer
from datalab.deployment.folders import one_name
from datalab.deployment.places import Intact
from datalab.errors import DatalabError, InputMissing
from datalab.results.files import VALIDATION_REPORT
from datalab.scratch import forget, new_file
from datalab.storage import Key, ParquetCipher, decrypt_bytes, encrypt_bytes
from datalab.storage.errors import EncryptedFileDamaged
from datalab.storage.objects import Objects

FACTS = "facts"
"""What is recognised in the file of a dataset."""


class NotMaterialised(InputMissing):
    """An asset needs what another one writes, and that one has not been materialised for this partition."""

    def __init__(self, where: str) -> None:
        DatalabError.__init__(
            self, f"{where} does not exist. Materialise what is upstream for this partition, then run again."
        )


class ProjectPlace:
    """The files of one partition of a lab.

    Args:
        storage: the directory or fsspec URL of the project.
        lab: the name of the lab.
        partition: its partition; None: the lab has no partitions.
        scratch: a private directory for plain rows.
        key: encrypts what holds values of rows.
    """

    def __init__(self, storage: str, lab: str, partition: str | None, scratch: Path, key: Key | None) -> None:
        self._objects = Objects(storage)
        self._folder = lab if partition is None else f"{lab}/{_folder_name(partition)}"
        self._scratch = scratch
        self._key = key

    @property
    def root(self) -> UPath:
        """The folder of all of them."""
        return self._objects.location(self._folder)

    def location(self, address: Address) -> UPath:
        """Return where a document or rows are."""
        return self._objects.location(self._name(address))

    def has(self, address: Address) -> bool:
        """Return whether a document or rows exist."""
        return self._objects.exists(self._name(address))

    def read(self, address: Address) -> bytes:
        name = self._name(address)
        data = self._objects.get(name)
        if data is None:
            raise NotMaterialised(str(self.location(address)))
        return decrypt_bytes(data, self._key, name) if self._key and address.is_private else data

    def write(self, address: Address, text: str) -> None:
        name, data = self._name(address), text.encode()
        self._becomes_incomplete(address)
        self._objects.put(name, encrypt_bytes(data, self._key, name) if self._key and address.is_private else data)

    def open_rows(self, address: Address) -> Path:
        plain = self._plain(address)
        if not plain.exists():
            name = self._name(address)
            copy = plain if self._key is None else plain.with_suffix(".encrypted")
            try:
                if address.layer is Layer.VALIDATED and not self.has(address.beside(SUMMARY)):
                    raise FileNotFoundError
                self._objects.get_file(name, new_file(copy))
            except FileNotFoundError:
                forget(copy)
                raise NotMaterialised(str(self.location(address))) from None
            if self._key:
                ParquetCipher(self._key, name).decrypt_to(copy, plain)
                forget(copy)
        return plain

    def keep_rows(self, address: Address, rows: Path) -> None:
        name = self._name(address)
        self._becomes_incomplete(address)
        forget(self._plain(address))
        kept = rows
        if self._key:
            kept = new_file(self._scratch / "encrypted.parquet")
            with pq.ParquetFile(rows) as file:
                ParquetCipher(self._key, name).encrypt_to(file, kept)
        self._objects.put_file(name, kept)
        forget(kept)
        forget(rows)

    def verify(self, address: Address) -> Intact:
        try:
            with pq.ParquetFile(self.open_rows(address)) as file:
                rows = file.metadata.num_rows
        except (OSError, pa.ArrowException):
            raise EncryptedFileDamaged(str(self.location(address))) from None
        return Intact(rows=rows, parts=1)

    def _plain(self, address: Address) -> Path:
        """Return where rows are while a run reads them."""
        return self._scratch / quote(self._name(address), safe="")

    def _becomes_incomplete(self, address: Address) -> None:
        """Remove the summary of a dataset, which is written last, before its files change."""
        if address.layer is Layer.VALIDATED and address.name not in (SUMMARY, FACTS):
            self._objects.delete(self._name(address.beside(SUMMARY)))

    def _name(self, address: Address) -> str:
        """Return the name of a file below the storage; an encrypted file is bound to it."""
        return f"{self._folder}/{self._within(address)}"

    def _within(self, address: Address) -> str:
        name = one_name(address.name)
        if address.layer is Layer.RESULTS:
            return name
        folder = f"{address.dataset[0].value}/" if address.layer is Layer.VALIDATED else ""
        if address.is_rows:
            return f"{folder}{name}.parquet"
        if address.layer is Layer.COMPUTED:
            return f"panels/{name}.json"
        encrypted = ".encrypted" if self._key and address.is_private else ""
        return f"{folder}{VALIDATION_REPORT.name if name == REPORT else f'{name}.json'}{encrypted}"


def _folder_name(partition: str) -> str:
    """Return a partition key as the name of a folder; no two keys have the same.

    >>> _folder_name("2026-11-01|de"), _folder_name("..")
    ('2026-11-01%7Cde', '%2E.')
    """
    name = quote(partition, safe=" @=,+")
    return f"%2E{name[1:]}" if name.startswith(".") else name
