"""How many userIds of a dataset the Identifiers of a lab know, from a sample, before anything is validated.

Only counts leave this module.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from datalab.deployment.addresses import ROWS, validated
from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.errors import DatalabError
from datalab.ingest.recognise import Container, FileFacts, recognise_file
from datalab.kinds import KINDS, MATCHING, DatasetKind

MOST_SAMPLED = 10_000
MOST_SECONDS = 3.0
"""How long the Identifiers are searched; after that the share is not known."""
_BATCH = 50_000


@dataclass(frozen=True)
class KnownUsers:
    """How many of the sampled userIds are in Identifiers."""

    sampled: int
    known: int


def known_users(
    datasets: StoredDatasets, place: EncryptedPlace, identifiers: str, others: Mapping[DatasetKind, str]
) -> dict[DatasetKind, KnownUsers]:
    """Return for each dataset how many of its sampled userIds are in `identifiers`.

    A dataset whose columns cannot be read is missing; so are all if Identifiers take too long or cannot be read.

    Args:
        datasets: the stored datasets.
        place: of the lab; its validated Identifiers are read if it has them, the stored file otherwise.
        identifiers: manifest hash.
        others: slot → manifest hash.
    """
    samples = {kind: sample for kind, hashed in others.items() if len(sample := _sample(datasets, hashed))}
    if not samples:
        return {}
    wanted = pc.unique(pa.concat_arrays(list(samples.values())))
    found: list[pa.Array] = []
    deadline = time.monotonic() + MOST_SECONDS
    try:
        with contextlib.closing(_user_ids(datasets, place, identifiers)) as batches:
            for batch in batches:
                found.append(pc.unique(batch.filter(pc.is_in(batch, value_set=wanted))))
                if time.monotonic() > deadline:
                    return {}
    except (DatalabError, OSError, ValueError, EOFError, csv.Error, pa.ArrowException):
        return {}
    known = pa.concat_arrays(found) if found else pa.array([], pa.string())
    return {
        kind: KnownUsers(len(sample), pc.sum(pc.is_in(sample, value_set=known)).as_py() or 0)
        for kind, sample in samples.items()
    }


def _sample(datasets: StoredDatasets, manifest_hash: str) -> pa.Array:
    """Return different userIds of a dataset, from all of its first part."""
    nothing = pa.array([], pa.string())
    try:
        with datasets.open(manifest_hash, datasets.key(manifest_hash)) as reader:
            columns = recognise_file(cast("BinaryIO", reader)).columns
    except (DatalabError, OSError):
        return nothing
    if not columns:
        return nothing
    different = pc.unique(pc.utf8_trim_whitespace(columns[0].cast(pa.string()))).drop_null()
    step = -(-len(different) // MOST_SAMPLED) or 1
    return different.take(pa.array(range(0, len(different), step)))


def _user_ids(datasets: StoredDatasets, place: EncryptedPlace, manifest_hash: str) -> Generator[pa.Array]:
    if place.is_validated(MATCHING, manifest_hash):
        column = KINDS[MATCHING].columns[0].name
        for batch in place.read_rows(validated(MATCHING, manifest_hash, ROWS), [column]):
            yield batch.column(0).cast(pa.string())
        return
    try:
        facts = FileFacts.model_validate(datasets.registry.datasets.get(manifest_hash).facts)
    except ValidationError:
        return
    with datasets.open(manifest_hash, datasets.key(manifest_hash)) as reader:
        yield from _of_file(cast("BinaryIO", reader), facts)


def _of_file(file: BinaryIO, facts: FileFacts) -> Iterator[pa.Array]:
    """Yield the first column of a stored file.

    Raises:
        ValueError: it cannot be read in a stream.
    """
    if facts.container is Container.PARQUET:
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(_BATCH, columns=[table.schema_arrow.names[0]]):
                yield batch.column(0).cast(pa.string())
        return
    if facts.container is Container.ZIP or facts.separator is None:
        raise ValueError("no stream of text")
    try:
        raw = gzip.GzipFile(fileobj=file) if facts.container is Container.GZIP else file
        text = io.TextIOWrapper(cast("BinaryIO", raw), facts.encoding or "utf-8", errors="replace", newline="")
    except LookupError:
        raise ValueError("no codec") from None
    records = csv.reader(text, delimiter=facts.separator)
    while batch := list(islice(records, _BATCH)):
        yield pa.array([record[0].strip().removeprefix("\ufeff") for record in batch if record], pa.string())
