"""What runs computed, on disk: rows and reports encrypted with their dataset's key, aggregates as they are.

labs/<lab>/validated/<kind>-<manifest hash>/   rows.parquet and report.bin (encrypted), summary.json (counts)
labs/<lab>/computed/<combination>/             users.parquet (encrypted) and the numbers of each panel
labs/<lab>/results/<run>/                      what people read: aggregates only

A dataset's folder is named by its content, so a run for new segments finds what an earlier one knows of identifiers.
Deleting a dataset deletes its key: what was made of its rows can never be read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from datalab.errors import DatalabError, InputMissing, OutputFailed
from datalab.kinds import MATCHING, DatasetKind
from datalab.locks import locked
from datalab.scratch import publish, why, write_whole
from datalab.storage import Key, ParquetCipher, read_encrypted, write_encrypted
from datalab.storage.files import make_private, private_file

Datasets = Mapping[DatasetKind, str]
KeyOf = Callable[[str], Key]

REPORT, SUMMARY, ROWS, USERS = "report.bin", "summary.json", "rows.parquet", "users.parquet"


def combination(datasets: Datasets) -> str:
    """Return a name for exactly these datasets.

    >>> combination({DatasetKind.IDENTIFIERS: "ab"}) == combination({DatasetKind.IDENTIFIERS: "ab"})
    True
    """
    text = json.dumps({kind.value: manifest_hash for kind, manifest_hash in datasets.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class LabFiles:
    """The computed files of all labs below `root`; `key_of` gives the key of a dataset."""

    def __init__(self, root: Path, key_of: KeyOf) -> None:
        self._root = root
        self._key_of = key_of

    # ----------------------------------------------------------------------------------------------- validated

    def is_validated(self, lab: str, kind: DatasetKind, manifest_hash: str) -> bool:
        """Tell whether this content has been validated for the lab, and nothing of it is missing."""
        folder = self._validated(lab, kind, manifest_hash)
        return all((folder / name).exists() for name in (ROWS, REPORT, SUMMARY))

    def keep_validated(
        self, lab: str, kind: DatasetKind, manifest_hash: str, *, report: str, summary: str, rows: Path
    ) -> None:
        """Keep what validation found: `rows` is plain Parquet in scratch, `report` and `summary` are JSON."""
        folder = self._folder(self._validated(lab, kind, manifest_hash))
        (folder / SUMMARY).unlink(missing_ok=True)  # written last: it says that all is there
        key = self._key_of(manifest_hash)
        _encrypt_parquet(rows, folder / ROWS, ParquetCipher(key, _context(lab, kind.value, manifest_hash, "rows")))
        write_encrypted(folder / REPORT, report.encode(), key, _context(lab, kind.value, manifest_hash, "report"))
        write_whole(folder / SUMMARY, summary)

    def report(self, lab: str, kind: DatasetKind, manifest_hash: str) -> bytes:
        """Return the private validation report, as JSON; raises as `read_encrypted`, and when the key is gone."""
        path = self._validated(lab, kind, manifest_hash) / REPORT
        return read_encrypted(path, self._key_of(manifest_hash), _context(lab, kind.value, manifest_hash, "report"))

    def has_report(self, lab: str, kind: DatasetKind, manifest_hash: str) -> bool:
        return (self._validated(lab, kind, manifest_hash) / REPORT).exists()

    def summary(self, lab: str, kind: DatasetKind, manifest_hash: str) -> bytes:
        """Return the counts of the report, as JSON."""
        return _read(self._validated(lab, kind, manifest_hash) / SUMMARY)

    def decrypt_rows(self, lab: str, kind: DatasetKind, manifest_hash: str, plain: Path) -> None:
        """Write the valid rows as plain Parquet into a run's private scratch."""
        cipher = ParquetCipher(self._key_of(manifest_hash), _context(lab, kind.value, manifest_hash, "rows"))
        cipher.decrypt_to(self._validated(lab, kind, manifest_hash) / ROWS, plain)

    # ------------------------------------------------------------------------------------------------ computed

    def keep_users(self, lab: str, datasets: Datasets, plain: Path) -> None:
        """Keep the users of the lab, encrypted with the key of its identifiers."""
        folder = self._folder(self._computed(lab, datasets))
        _encrypt_parquet(plain, folder / USERS, self._users_cipher(lab, datasets))

    def decrypt_users(self, lab: str, datasets: Datasets, plain: Path) -> None:
        """Write the users as plain Parquet into a run's private scratch."""
        self._users_cipher(lab, datasets).decrypt_to(self._computed(lab, datasets) / USERS, plain)

    def keep_panel(self, lab: str, datasets: Datasets, name: str, text: str) -> None:
        """Keep the numbers of a panel."""
        write_whole(self._folder(self._computed(lab, datasets) / "panels") / f"{name}.json", text)

    def panel(self, lab: str, datasets: Datasets, name: str) -> bytes:
        """Return the numbers of a panel."""
        return _read(self._computed(lab, datasets) / "panels" / f"{name}.json")

    # ------------------------------------------------------------------------------------------------- results

    def publish(self, lab: str, run_id: str, name: str, text: str) -> None:
        """Keep what people read: aggregates only."""
        write_whole(self._folder(self._result(lab, run_id)) / name, text)

    def published(self, lab: str, run_id: str, name: str) -> bytes:
        """Return a file of a result.

        Raises:
            InputMissing: it is not there.
        """
        return _read(self._result(lab, run_id) / _plain(name))

    def published_names(self, lab: str, run_id: str) -> list[str]:
        """Return the names of a result's files."""
        folder = self._result(lab, run_id)
        return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []

    # --------------------------------------------------------------------------------------- locking, removing

    @contextlib.contextmanager
    def locked(self, lab: str) -> Iterator[None]:
        """Wait until no other process computes for this lab, and keep others waiting; released when the holder dies."""
        folder = self._folder(self._lab(lab))
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / "run.lock"))
            except OSError as error:
                raise OutputFailed(folder, why(error)) from None
            yield

    def remove_result(self, lab: str, run_id: str) -> None:
        shutil.rmtree(self._result(lab, run_id), ignore_errors=True)

    def remove_lab(self, lab: str) -> None:
        shutil.rmtree(self._lab(lab), ignore_errors=True)

    def keep_only(self, lab: str, wanted: Iterable[Datasets]) -> None:
        """Remove what belongs to none of the `wanted` combinations of datasets."""
        wanted = list(wanted)
        combinations = {combination(datasets) for datasets in wanted}
        contents = {f"{kind.value}-{manifest_hash}" for datasets in wanted for kind, manifest_hash in datasets.items()}
        for folder, kept in ((self._lab(lab) / "computed", combinations), (self._lab(lab) / "validated", contents)):
            for found in folder.iterdir() if folder.is_dir() else ():
                if found.name not in kept:
                    shutil.rmtree(found, ignore_errors=True)

    # -------------------------------------------------------------------------------------------------- places

    def _lab(self, lab: str) -> Path:
        return self._root / _plain(lab)

    def _validated(self, lab: str, kind: DatasetKind, manifest_hash: str) -> Path:
        return self._lab(lab) / "validated" / f"{kind.value}-{_plain(manifest_hash)}"

    def _computed(self, lab: str, datasets: Datasets) -> Path:
        return self._lab(lab) / "computed" / combination(datasets)

    def _result(self, lab: str, run_id: str) -> Path:
        return self._lab(lab) / "results" / _plain(run_id)

    def _users_cipher(self, lab: str, datasets: Datasets) -> ParquetCipher:
        key = self._key_of(datasets[MATCHING])
        return ParquetCipher(key, _context(lab, combination(datasets), "users"))

    @staticmethod
    def _folder(path: Path) -> Path:
        try:
            make_private(path)
        except OSError as error:
            raise OutputFailed(path, why(error)) from None
        return path


class _NameRefused(DatalabError):
    def __init__(self) -> None:
        super().__init__("A name with a path in it was refused. Nothing was read.")


def _plain(name: str) -> str:
    """Return `name` if it is a plain file name: ids and names come from outside."""
    if not name or name != Path(name).name or name.startswith("."):
        raise _NameRefused
    return name


def _context(*parts: str) -> str:
    return "/".join(parts)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputMissing(path) from None
    except OSError as error:
        raise OutputFailed(path, why(error)) from None


def _encrypt_parquet(plain: Path, path: Path, cipher: ParquetCipher) -> None:
    """Write plain Parquet encrypted to `path`, row group by row group; there completely or not at all."""
    try:
        with pq.ParquetFile(plain) as rows, private_file(path) as (_, part):
            cipher.encrypt_to(rows, part)
            publish(part, path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
