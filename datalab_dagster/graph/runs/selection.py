"""Selects the assets of a run: those downstream of a change, and those that earlier runs did not complete."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, combinations

import dagster as dg

from assets import ALL_ASSETS
from datalab.deployment import Deployment
from datalab.kinds import DatasetKind
from datalab.registry import Lab

_OF_ONE_DATASET = dg.AssetSelection.groups("datasets", "validation")


def assets_to_run(deployment: Deployment, lab: Lab, changed: Collection[DatasetKind]) -> list[dg.AssetKey]:
    """Return the assets downstream of the `changed` datasets of a lab, as `assets_of` does."""
    datasets, known = deployment.registry.provisioning.datasets(lab.id), deployment.registry.validated.of(lab.id)
    validated = {kind for kind, manifest_hash in datasets.items() if (kind, manifest_hash) in known}
    return assets_of(lab.definition.datasets, datasets, validated, changed)


def assets_of(
    slots: Collection[DatasetKind],
    provisioned: Collection[DatasetKind],
    validated: Collection[DatasetKind],
    changed: Collection[DatasetKind],
) -> list[dg.AssetKey]:
    """Return the assets downstream of `changed`, in order of their names; empty if there is nothing to do.

    Datasets provisioned now that no earlier run has validated count as changed: their run was stopped. While a dataset
    is missing, only the assets of single datasets can be computed.

    Args:
        slots: the datasets that the lab needs.
        provisioned: those it has.
        validated: those of them whose validation is complete.
        changed: what is validated again.
    """
    complete = all(kind in provisioned for kind in slots)
    wanted = frozenset(kind for kind in provisioned if kind in changed or kind not in validated)
    return list(_selections()[complete, wanted])


@functools.cache
def _selections() -> Mapping[tuple[bool, frozenset[DatasetKind]], Sequence[dg.AssetKey]]:
    """Return the assets for every set of datasets, in a lab that has all of its datasets and in one that has not."""
    of_one = set(_resolved(_OF_ONE_DATASET))
    table: dict[tuple[bool, frozenset[DatasetKind]], Sequence[dg.AssetKey]] = {
        (False, frozenset()): [],
        (True, frozenset()): sorted(_resolved(dg.AssetSelection.all() - _OF_ONE_DATASET)),
    }
    kinds = list(DatasetKind)
    for wanted in chain.from_iterable(combinations(kinds, size + 1) for size in range(len(kinds))):
        below = _resolved(dg.AssetSelection.assets(*(kind.value for kind in wanted)).downstream())
        table[True, frozenset(wanted)] = sorted(below)
        table[False, frozenset(wanted)] = sorted(of_one.intersection(below))
    return table


def _resolved(selection: dg.AssetSelection) -> Collection[dg.AssetKey]:
    return selection.resolve(ALL_ASSETS)
