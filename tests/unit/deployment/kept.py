"""What tests keep in a place of computed files: a few rows with a planted value, and documents of every layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment.addresses import (
    REPORT,
    ROWS,
    SUMMARY,
    USERS,
    Address,
    Datasets,
    Layer,
    computed,
    result,
    validated,
)
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.places import Place
from datalab.kinds import DatasetKind

IDENTIFIERS, SEGMENTS, _, _ = DatasetKind
LAB, PLANTED = "lab-1", "planted-7f3a91c6"
DATASETS: Datasets = {IDENTIFIERS: "a" * 64, SEGMENTS: "b" * 64}
VALID = validated(SEGMENTS, DATASETS[SEGMENTS], ROWS)
USERS_AT = computed(DATASETS, USERS)
ROWS_AT = [VALID, USERS_AT]
DOCUMENTS = [
    VALID.beside(REPORT),
    computed(DATASETS, "segments_per_user"),
    result("run-1", "statistics.json"),
    result("run-1", "dashboard.html"),
]


@dataclass
class Kept:
    """A place, and how a later run sees it."""

    root: Path
    make: Callable[[Path], Place]
    scratch: Path
    runs: int = 0

    def later(self) -> Place:
        """Return the place with the scratch of another run."""
        self.runs += 1
        return self.make(self.new_folder(f"scratch-{self.runs}"))

    def new_folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder

    def rows(self, values: list[str] | None = None) -> Path:
        """Write rows as a run does, in its scratch, with two row groups."""
        self.runs += 1
        path = self.new_folder(f"written-{self.runs}") / "rows.parquet"
        pq.write_table(pa.table({"user_id": values or [PLANTED, "u1", "u2"]}), path, row_group_size=2)
        return path

    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]


def encrypted_only(place: Place) -> None:
    if not isinstance(place, EncryptedPlace):
        pytest.skip("plain files are not sealed")


def keep_all(place: Place, kept: Kept, values: list[str] | None = None) -> None:
    """Keep what validation keeps, in its order."""
    place.keep_rows(VALID, kept.rows(values))
    place.write(VALID.beside(REPORT), '{"sample": "planted-7f3a91c6"}')
    place.write(VALID.beside(SUMMARY), '{"valid_rows": 3}')


def write(place: Place, kept: Kept, address: Address, text: str) -> None:
    """Write a document; that of a validation with what belongs to it, because only together they exist."""
    if address.layer is not Layer.VALIDATED:
        place.write(address, text)
        return
    place.keep_rows(address.beside(ROWS), kept.rows())
    place.write(address, text)
    place.write(address.beside(SUMMARY), '{"valid_rows": 3}')


def values(path: Path) -> list[str]:
    found: list[str] = pq.read_table(path).column("user_id").to_pylist()
    return found
