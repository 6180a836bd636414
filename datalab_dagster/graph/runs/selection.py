"""Selects the assets of a run: those downstream of a change, and those that earlier runs did not complete."""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg

from assets import ALL_ASSETS
from assets.results import dashboard
from datalab.deployment import Deployment
from datalab.deployment.addresses import SUMMARY, validated
from datalab.deployment.places import EncryptedPlace
from datalab.kinds import KINDS, DatasetKind
from datalab.registry import Lab, Run
from datalab.results.files import DASHBOARD
from datalab.statistics import ValidatedDataset

_OF_ONE_DATASET = dg.AssetSelection.groups("datasets", "validation")


def assets_to_run(deployment: Deployment, lab: Lab, changed: Collection[DatasetKind]) -> list[dg.AssetKey]:
    """Return the assets downstream of the `changed` datasets, in order of their names; empty if there is nothing to do.

    Datasets provisioned now that no earlier run has validated count as changed: their run was stopped. So do those
    that an earlier version validated without looking for broken quotes: their names would have to be withheld
    (docs/spec/cases.md#names-that-must-not-be-shown). While a dataset is missing, only the assets of single datasets
    can be computed.
    """
    provisioned, place = deployment.registry.provisioning.datasets(lab.id), deployment.folders.place(lab.id)
    kinds = [
        kind
        for kind, manifest_hash in provisioned.items()
        if kind in changed or not place.is_validated(kind, manifest_hash) or _is_of_earlier(place, kind, manifest_hash)
    ]
    complete = all(kind in provisioned for kind in lab.definition.datasets)
    if complete and not kinds:  # everything is validated, only the statistics are missing
        return sorted(_resolved(dg.AssetSelection.all() - _OF_ONE_DATASET))
    selection = dg.AssetSelection.assets(*(kind.value for kind in kinds)).downstream()
    return sorted(_resolved(selection if complete else selection & _OF_ONE_DATASET)) if kinds else []


def left_undone(
    deployment: Deployment, lab: Lab, run: Run, selected: Collection[dg.AssetKey] | None
) -> list[dg.AssetKey]:
    """Return the assets that an interrupted run did not complete; empty if there is nothing to do.

    After the verdict only the dashboard can be missing: the verdict is valid and is not computed again.

    Args:
        deployment: has the lab.
        lab: the lab of the run.
        run: the interrupted run.
        selected: the assets of that run; None: all.
    """
    current = deployment.registry.results.current(lab.id)
    if current is not None and (current.run_id == run.run_id or set(selected or ()) == {dashboard.key}):
        return [] if DASHBOARD.name in current.paths else [dashboard.key]
    return assets_to_run(deployment, lab, ())


def _is_of_earlier(place: EncryptedPlace, kind: DatasetKind, manifest_hash: str) -> bool:
    """Return whether an earlier version validated a dataset with names, without looking for broken quotes."""
    if not any(column.is_name for column in KINDS[kind].columns):
        return False
    summary = ValidatedDataset.model_validate_json(place.read(validated(kind, manifest_hash, SUMMARY)))
    return summary.facts.broken_quote is None and summary.valid_rows > 0


def _resolved(selection: dg.AssetSelection) -> Collection[dg.AssetKey]:
    return selection.resolve(ALL_ASSETS)
