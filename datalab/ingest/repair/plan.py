"""Which steps a file needs: from its facts and a sample of its first records. Nothing is written here."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from datalab.ingest.any_file import AnyFile, open_bytes
from datalab.ingest.failures import FileLevelError, record_too_long
from datalab.ingest.limits import RecordTooLongError
from datalab.ingest.recognise import Container, FileFacts, recognise_path, words
from datalab.ingest.recognise.records import MOST_CELLS, MOST_RECORDS
from datalab.ingest.repair.chunk import Chunk
from datalab.ingest.repair.errors import KindUnknown, NotRepairable, StepNotProposed
from datalab.ingest.repair.lines import is_footer
from datalab.ingest.repair.read import Reading, first_text, reads, usual_width
from datalab.ingest.repair.step import Change, Look, StepName
from datalab.ingest.repair.steps import STEPS
from datalab.ingest.source import Input, open_input
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition

_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Planned:
    """A step of a plan, and the sample after it."""

    name: StepName
    change: Change
    touched: int
    """How many records, or rows, of the sample it touches."""
    after: Chunk


@dataclass(frozen=True)
class Plan:
    """The steps for one file, in their order; none if the file needs no repair."""

    file: AnyFile
    kind: DatasetKind
    facts: FileFacts
    reading: Reading
    sample: Chunk
    """The first records as the file has them."""
    text: bytes
    """The first records as text in UTF-8, before any step; empty for Parquet."""
    steps: tuple[Planned, ...]

    @property
    def names(self) -> tuple[StepName, ...]:
        """The names of the steps."""
        return tuple(step.name for step in self.steps)


def plan(
    file: AnyFile,
    *,
    kind: DatasetKind | None = None,
    lab: LabDefinition | None = None,
    chosen: Collection[StepName] | None = None,
) -> Plan:
    """Return the steps that a file needs.

    Args:
        file: a path, or a stored dataset.
        kind: which dataset it is; None: what it certainly looks like.
        lab: the definition that its rows must fit; None: types of ids are proposed from the file.
        chosen: only these steps; None: all.

    Raises:
        InputMissing, InputUnreadable, StorageError: there is no such file, or it cannot be read.
        NotRepairable: it is damaged or no dataset.
        KindUnknown: it is not certain which dataset it is.
        StepNotProposed: a chosen step has nothing to do.
    """
    facts = recognise_path(file).facts
    if facts.no_dataset or not facts.is_readable:
        raise NotRepairable(file, words.no_dataset(facts) or words.looks_like(facts))
    wanted = kind or facts.kind
    if wanted is None:
        raise KindUnknown(file, words.looks_like(facts), map(str, facts.possible or DatasetKind))
    try:
        with open_input(file) as source:
            found = _plan(file, source, facts, wanted, lab, chosen)
    except FileLevelError as error:
        raise NotRepairable.by_code(file, error.code) from None
    missing = [name for name in chosen or () if name not in found.names]
    if missing:
        raise StepNotProposed(missing, plan(file, kind=kind, lab=lab).names)
    return found


def _plan(
    file: AnyFile,
    source: Input,
    facts: FileFacts,
    kind: DatasetKind,
    lab: LabDefinition | None,
    chosen: Collection[StepName] | None,
) -> Plan:
    most = max(1, min(MOST_RECORDS, MOST_CELLS // max(1, facts.columns)))
    text = first_text(source, most)
    has_commas = facts.separator in (None, ",") or (chosen is not None and StepName.SEPARATOR not in chosen)
    separator = "," if has_commas else facts.separator or ","
    as_found = facts.separator in (None, separator)
    reading = Reading(separator, max(1, facts.columns if as_found else usual_width(text)))
    sample = _sample(source, replace(reading, records=most))
    look = Look(kind, lab, facts, sample, footer=not sample.is_last and _ends_with_remark(file, facts))
    steps: list[Planned] = []
    for step in STEPS.values():
        if chosen is not None and step.name not in chosen and not step.always:
            continue
        change = step.propose(look)
        if change is None:
            continue
        after, count = change(look.chunk)
        steps.append(Planned(step.name, change, count, after))
        look = replace(look, chunk=after)
        reading = replace(reading, is_widening=reading.is_widening or step.widens)
    return Plan(file, kind, facts, reading, sample, text, tuple(steps))


def _sample(source: Input, reading: Reading) -> Chunk:
    """Return the first records, not more than recognition reads."""
    try:
        read = next(reads(source, reading), None)
    except RecordTooLongError as error:
        raise record_too_long(error.offset, source.detected_file_type) from None
    return read[0]() if read else Chunk((), np.arange(0), is_first=True, is_last=True)


def _ends_with_remark(file: AnyFile, facts: FileFacts) -> bool:
    """Return whether a text ends with a remark; the end of a container is not read."""
    if facts.container is not Container.NONE or "UTF-16" in (facts.encoding or ""):
        return False
    with open_bytes(file) as opened:
        opened.seek(max(0, opened.seek(0, io.SEEK_END) - _TAIL_BYTES))
        lines = opened.read().decode("utf-8", "replace").rstrip().splitlines()
    return bool(lines) and is_footer(lines[-1])
