"""Writes the files of a lab once, and finds them again; this module does not decide what a row looks like."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

import datalab.kinds
import datalab.sample
from benchmarks.labs.rows import File
from benchmarks.labs.shapes import SHAPES, Shape
from datalab.formats import duration, number
from datalab.kinds import DatasetKind
from datalab.sample import write_sample

SAMPLE = "sample"
"""The lab that `datalab sample` writes."""
_DEFINITION = "LAB.json"
_MANIFEST = "bench.json"
_SAMPLE_USERS = 4_000_000
_SAMPLE_DIMENSIONS = 32
_CELLS_AT_ONCE = 1 << 20
_WORKERS = 2
_LEVEL = 1
"""Of gzip: exports are compressed while they are written."""


@dataclass(frozen=True)
class PreparedLab:
    """A lab whose files exist."""

    name: str
    directory: Path
    files: dict[DatasetKind, Path]
    rows: dict[DatasetKind, int]
    invalid_rows: dict[DatasetKind, int]
    """How many rows of each file a report must call invalid; empty for a sample with faults: some of them are valid."""

    @classmethod
    def found(cls, directory: Path) -> PreparedLab:
        """Return the lab in `directory`, which was prepared earlier."""
        manifest = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
        name = manifest["lab"]
        return cls(
            name,
            directory,
            {kind: directory / _file_name(kind, name) for kind in DatasetKind},
            {DatasetKind(kind): count for kind, count in manifest["rows"].items()},
            {DatasetKind(kind): count for kind, count in manifest["invalidRows"].items()},
        )

    @property
    def definition(self) -> Path:
        """The file of the lab's definition."""
        return self.directory / _DEFINITION

    @property
    def line_end(self) -> str:
        """How the lines of its files end."""
        return SHAPES[self.name].line_end if self.name in SHAPES else "\n"


def prepared_lab(directory: Path, name: str, scale: float, *, dirty: float = 0.0, seed: int = 0) -> PreparedLab:
    """Generate a lab unless `directory` already holds it, according to its manifest.

    Args:
        directory: of this lab alone.
        name: `sample`, or the name of a shape.
        scale: share of its rows.
        dirty: share of a sample's rows that get a fault; shapes have their own.
        seed: another one gives other users and ids.
    """
    wanted = {"lab": name, "scale": scale, "dirty": dirty, "seed": seed, "generator": _generator_version()}
    manifest = directory / _MANIFEST
    found = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    if not wanted.items() <= found.items():
        manifest.unlink(missing_ok=True)
        directory.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        if name == SAMPLE:
            rows, invalid = _write_sample(directory, scale, dirty, seed)
        else:
            rows, invalid = _write_shape(directory, SHAPES[name].scaled(scale), seed)
        found = wanted | {"rows": rows, "invalidRows": invalid}
        manifest.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        took = duration(time.perf_counter() - started)
        print(f"generated {directory}: {number(sum(rows.values()))} rows in {took}", flush=True)
    return PreparedLab.found(directory)


def _file_name(kind: DatasetKind, name: str) -> str:
    return f"{kind}.csv.gz" if name != SAMPLE and SHAPES[name].compressed else f"{kind}.csv"


def _write_sample(
    directory: Path, scale: float, dirty: float, seed: int
) -> tuple[dict[DatasetKind, int], dict[DatasetKind, int]]:
    users = max(round(_SAMPLE_USERS * scale), 1)
    sample = write_sample(directory, users=users, dimensions=_SAMPLE_DIMENSIONS, dirty=dirty, seed=seed)
    return sample.rows, {} if dirty else dict.fromkeys(sample.rows, 0)


def _write_shape(directory: Path, shape: Shape, seed: int) -> tuple[dict[DatasetKind, int], dict[DatasetKind, int]]:
    text = shape.definition.model_dump_json(by_alias=True, indent=2)
    (directory / _DEFINITION).write_text(text + "\n", encoding="utf-8")
    files = {kind: File(shape, kind, seed) for kind in DatasetKind}
    invalid = {kind: _write(directory / _file_name(kind, shape.name), file) for kind, file in files.items()}
    return shape.rows, invalid


def _write(path: Path, file: File) -> int:
    """Write a file and return how many of its rows are invalid."""
    invalid = 0
    with ExitStack() as stack:
        target = cast(BinaryIO, stack.enter_context(path.open("wb")))
        if path.suffix == ".gz":  # without name and time, so that the same rows give the same bytes
            compressed = gzip.GzipFile("", "wb", _LEVEL, target, mtime=0)
            target = cast(BinaryIO, stack.enter_context(compressed))
        for lines, wrong in _chunks(file):
            invalid += wrong
            ends = memoryview(lines.buffers()[1]).cast("i")
            start, end = ends[lines.offset], ends[lines.offset + len(lines)]
            target.write(memoryview(lines.buffers()[2])[start:end])
    return invalid


def _chunks(file: File) -> Iterator[tuple[pa.StringArray, int]]:
    """Yield the lines in order; threads make some while others are written."""
    width = file.shape.dimensions if file.kind is DatasetKind.EMBEDDINGS else 8
    at_once = _CELLS_AT_ONCE // width
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[tuple[pa.StringArray, int]]] = deque()
        for first in range(0, file.rows, at_once):
            waiting.append(pool.submit(file.lines, first, at_once))
            if len(waiting) > _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _generator_version() -> str:
    """Return a digest of the generators' code and of their inputs: a changed generator makes a different lab."""
    packages = (datalab.kinds.__file__, datalab.sample.__file__, __file__)
    modules = [module for file in packages if file for module in sorted(Path(file).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()[:16]
