"""The names of the assets of a dataset, and where the output of an asset is stored."""

from __future__ import annotations

from datalab.deployment.addresses import REPORT, ROWS, Address
from datalab.kinds import DatasetKind
from datalab.results.files import VALIDATION_STATUS
from resources.lab_run import LabRun

VALID_ROWS = {kind: f"valid_{kind.value}" for kind in DatasetKind}
REPORTS = {kind: f"{kind.value}_validation_report" for kind in DatasetKind}
STATUS = "validation_status"

_OF_DATASETS = {
    **{name: (kind, ROWS) for kind, name in VALID_ROWS.items()},
    **{name: (kind, REPORT) for kind, name in REPORTS.items()},
}


def kind_of(asset: str) -> DatasetKind | None:
    """Return the kind of the dataset that an asset was validated from; None: it is computed from all of them."""
    return _OF_DATASETS[asset][0] if asset in _OF_DATASETS else None


def written_at(run: LabRun, asset: str) -> Address:
    """Return the address at which `run` stores the output of an asset."""
    if asset in _OF_DATASETS:
        return run.validated(*_OF_DATASETS[asset])
    return run.result(VALIDATION_STATUS) if asset == STATUS else run.computed(asset)


def read_at(run: LabRun, asset: str) -> Address:
    """Return the address at which `run` finds the output of an asset; a status may be of an earlier run."""
    return run.result_with(VALIDATION_STATUS) if asset == STATUS else written_at(run, asset)
