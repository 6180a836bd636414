"""What a lab can be used for: for each collaboration type, how much it reaches, or what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from datalab.collaboration import CollaborationType
from datalab.dashboard.texts import DATASETS
from datalab.formats import Cell, listed, number
from datalab.kinds import MATCHING, DatasetKind
from datalab.statistics.cause import Cause, Severity
from datalab.statistics.readiness import Readiness, TypeReadiness

Json = Mapping[str, Any]


class Usable(NamedTuple):
    """Whether one collaboration type can be used."""

    can: bool
    why: str
    """How much it reaches, or what stands in the way."""

    def __str__(self) -> str:
        """Return both in one text.

        >>> str(Usable(True, "17,007 maid")), str(Usable(False, "Segments has a data error"))
        ('Yes, 17,007 maid', 'No: Segments has a data error')
        """
        return f"Yes, {self.why}" if self.can else f"No: {self.why}"


def usable(
    ready: Readiness, report: Json, causes: Sequence[Cause], *, is_ready: bool
) -> dict[CollaborationType, Usable]:
    """Return what a lab can be used for, for each of its collaboration types.

    Args:
        ready: which parts each type is missing.
        report: the JSON of the statistics; in a report for sharing, hidden counts are texts.
        causes: of the state of the lab.
        is_ready: whether the lab is Ready; otherwise it can be used for nothing.
    """
    return {kind: _of(kind, entry, report, causes, is_ready) for kind, entry in ready.root.items() if entry.enabled}


def _of(
    kind: CollaborationType,
    entry: TypeReadiness,
    report: Json,
    causes: Sequence[Cause],
    is_ready: bool,
) -> Usable:
    if entry.missing:
        return Usable(False, f"it needs {listed([part.filled for part in entry.missing])}")
    if not is_ready:
        return Usable(False, _in_the_way(kind, causes))
    reached = max(_reached(kind, report), key=lambda found: _size(found[0]), default=(0, "id"))
    if reached[0] == 0:
        return Usable(False, f"no {reached[1]} can be reached")
    return Usable(True, f"{number(reached[0])} {reached[1]}")


def _in_the_way(kind: CollaborationType, causes: Iterable[Cause]) -> str:
    """Return which dataset keeps the lab from being Ready, first of all one that the type needs."""
    errors = [one for cause in causes for one in (cause, *cause.follows) if one.severity is Severity.ERROR]
    needed = {MATCHING, *_datasets(kind)}
    first = next((error for error in errors if error.dataset in needed), errors[0] if errors else None)
    if first is None:
        return "the validation failed"
    return f"{DATASETS[first.dataset][0] if first.dataset else first.subject} has a data error"


def _reached(kind: CollaborationType, report: Json) -> Iterator[tuple[Cell, str]]:
    """Yield the numbers that say how much a type reaches, each with what is counted; the largest one counts."""
    datasets = _datasets(kind)
    if not kind.activates:
        if datasets:
            yield from ((_basic(report, dataset), f"users with {dataset}") for dataset in datasets)
        else:
            overview = report["identifiers_overview"].items()
            yield from ((info["distinct_ids"], name) for name, info in overview if info["is_matching_id"])
        return
    reaches = [report[f"{dataset}_activation_potential"] or {} for dataset in datasets]
    if not datasets:
        reaches = [*(report["remarketing_activation_potential"] or {}).values()]
    for reach in reaches:
        yield from ((stats["reachable_activation_ids"], name) for name, stats in reach.items())
    if not datasets and not reaches:
        for name, info in report["identifiers_overview"].items():
            if info["is_activation_id"]:
                yield info["distinct_ids"], name


def _datasets(kind: CollaborationType) -> list[DatasetKind]:
    return [DatasetKind(dataset) for part in kind.must for dataset in part.datasets]


def _basic(report: Json, dataset: DatasetKind) -> Cell:
    numbers = report["basic_statistics"].get(dataset)
    found: Cell = numbers["distinct_user_ids"] if numbers else 0
    return found


def _size(cell: Cell) -> int:
    """Return a number for comparison; one that is hidden is the smallest, but more than nothing."""
    return cell if isinstance(cell, int) else 1
