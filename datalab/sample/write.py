"""Writes a sample lab to a directory in blocks; this module does not decide what a row contains."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from datalab.collaboration import CollaborationType
from datalab.errors import OutputFailed, UsageError
from datalab.kinds import KINDS, DatasetKind
from datalab.sample.dirt import spoiled
from datalab.sample.earlier import LAB_FILE, SAMPLE_NAME
from datalab.sample.rows import ID_TYPES, MOST_DIMENSIONS, Dataset

Progress = Callable[[DatasetKind, int, int], None]
"""Called with the dataset, the number of its rows written so far and the number of all its rows."""

_WORKERS = 2


@dataclass(frozen=True)
class SampleLab:
    """The paths and numbers of rows of a sample lab."""

    directory: Path
    lab: Path
    """The lab definition, `LAB.json`."""
    files: dict[DatasetKind, Path]
    rows: dict[DatasetKind, int]
    """Rows of each file, including faulty ones."""
    dirty_rows: dict[DatasetKind, int]
    """Rows of each file that were given a fault on purpose."""


def write_sample(
    directory: Path,
    *,
    users: int,
    seed: int = 0,
    dirty: float = 0.0,
    rows: Mapping[DatasetKind, int] | None = None,
    dimensions: int = 32,
    progress: Progress | None = None,
) -> SampleLab:
    """Write a realistic lab of `users` users: `LAB.json` and a CSV file without header per dataset.

    The same arguments give the same bytes on every machine. Existing files of these names are replaced when all new
    files are complete (`refuse_to_replace` checks whose they are); other files of the directory stay. Memory does not
    grow with `users`.

    Args:
        directory: Created if it does not exist.
        users: Number of users from which each dataset draws; some users are in one dataset only.
        seed: Another seed gives other users with other ids.
        dirty: Share of the rows of each file that get a fault, 0 to 1; 0 gives a lab without invalid rows.
        rows: Dataset → number of rows; the default is the number per user that its kind declares.
        dimensions: Number of numbered columns, for datasets that have them.
        progress: Called after each block.

    Raises:
        UsageError: an argument is out of range, or the users have fewer different rows than requested.
        OutputFailed: the directory cannot be written, or the disk is full; no incomplete file is left.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     sample = write_sample(Path(place), users=100, seed=7)
        >>> sample.rows[DatasetKind.SEGMENTS], sample.files[DatasetKind.SEGMENTS].name
        (500, 'segments.csv')
    """
    if users < 1:
        raise UsageError(f"A sample needs at least 1 user, not {users}.")
    if not 0 <= dirty <= 1:
        raise UsageError(f"The dirty share must be from 0 to 1, not {dirty}.")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise UsageError(f"An embedding has 1 to {MOST_DIMENSIONS} dimensions, not {dimensions}.")
    usual = {kind: max(int(users * declared.sample.per_user), 1) for kind, declared in KINDS.items()}
    rows = usual | dict(rows or {})
    datasets = [Dataset(kind, seed, users, rows[kind], dimensions) for kind in DatasetKind]
    for dataset in datasets:
        if not 0 <= dataset.rows <= dataset.most_rows:
            raise UsageError(
                f"{users} users have 0 to {dataset.most_rows} different rows of {dataset.kind}, not {dataset.rows}. "
                "Request fewer rows or more users."
            )
    sample = SampleLab(
        directory=directory,
        lab=directory / LAB_FILE,
        files={kind: directory / f"{kind}.csv" for kind in DatasetKind},
        rows=rows,
        dirty_rows={},
    )
    _write(sample, datasets, dirty, progress)
    return sample


def _write(sample: SampleLab, datasets: list[Dataset], dirty: float, progress: Progress | None) -> None:
    targets = [sample.lab, *sample.files.values()]
    parts = {path: path.with_name(path.name + ".part") for path in targets}
    try:
        sample.directory.mkdir(parents=True, exist_ok=True)
        parts[sample.lab].write_text(json.dumps(_definition(datasets[0].dimensions), indent=2) + "\n", encoding="utf-8")
        for dataset in datasets:
            sample.dirty_rows[dataset.kind] = _write_file(parts[sample.files[dataset.kind]], dataset, dirty, progress)
        now = time.time_ns()  # one time for all: by it `earlier` recognises them
        for part in parts.values():
            os.utime(part, ns=(now, now))
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise OutputFailed(sample.directory, error.strerror or type(error).__name__) from error
    finally:
        # After success no part exists; after a failure or Ctrl-C no incomplete file may stay.
        if sample.directory.is_dir():
            for part in parts.values():
                part.unlink(missing_ok=True)


def _write_file(path: Path, dataset: Dataset, dirty: float, progress: Progress | None) -> int:
    wrong_rows = 0
    with path.open("wb", buffering=0) as file:
        for block, (lines, wrong) in enumerate(_blocks(dataset, dirty)):
            wrong_rows += wrong
            text = memoryview(lines.buffers()[2])
            start, end = lines.offset, lines.offset + len(lines)
            ends = memoryview(lines.buffers()[1]).cast("i")
            rest = text[ends[start] : ends[end]]
            while rest:
                rest = rest[file.write(rest) :]
            if progress:
                progress(dataset.kind, dataset.rows_before(block + 1), dataset.rows)
    return wrong_rows


def _blocks(dataset: Dataset, dirty: float) -> Iterator[tuple[pa.BinaryArray, int]]:
    """Yield the lines of each block in order, and how many are faulty; threads draw while a block is written."""

    def draw(block: int) -> tuple[pa.BinaryArray, int]:
        lines = dataset.lines(block)
        return spoiled(dataset.kind, dataset.seed, dirty, lines, dataset.rows_before(block)) if dirty else (lines, 0)

    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[tuple[pa.BinaryArray, int]]] = deque()
        try:
            for block in range(dataset.blocks):
                waiting.append(pool.submit(draw, block))
                if len(waiting) > _WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _definition(dimensions: int) -> dict[str, Any]:
    """The lab definition of every sample, by its wire keys."""
    roles = {"hashed_email": "isMatchingId", "hashed_phone": "isMatchingId"}
    names = sorted(ID_TYPES, key=lambda name: name != "userId")
    return {
        "name": SAMPLE_NAME,
        "identifiersConfig": [
            {
                "idName": name,
                "idType": ID_TYPES[name].value,
                "isMatchingId": roles.get(name) == "isMatchingId",
                "isActivationId": name not in roles,
            }
            for name in names
        ],
        "numIdentifiersColumns": 3,
        **{kind.flag_key: True for kind in KINDS.values() if kind.flag_key},
        **{kind.numbered.count_key: dimensions for kind in KINDS.values() if kind.numbered},
        "collaborationTypes": [kind.value for kind in CollaborationType],
        "shareStatistics": True,
        "dropInvalidRows": True,
    }
