"""The Dataset Portal: stored datasets, where they are provisioned, and their end; how bytes arrive is in `upload`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import Field

from datalab.lab import DatasetKind
from datalab.registry import LabState
from datalab.registry.errors import DatasetInUse
from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.service import DatasetInfo, LabInfo, LabService
from datalab_dagster.service.models import ServiceModel

LOOKED_UP = 40
"""The results of so many labs are read per request to learn the rows of datasets; what is known stays known."""


class Place(ServiceModel):
    """A slot that holds a dataset."""

    lab_id: str
    lab_name: str
    kind: DatasetKind


class DatasetRow(ServiceModel):
    """A stored dataset as one line."""

    manifest_hash: str
    name: str
    description: str
    size: int
    rows: int | None
    """None until a validation has counted them."""
    usage: str
    created_at: datetime
    created_by: str
    has_key: bool
    places: list[Place]


class DatasetsPage(PageModel):
    """All stored datasets, the newest first."""

    datasets: list[DatasetRow]
    total: int
    """Before any search."""
    total_size: int
    search: str = ""
    problems: list[str] = Field(default_factory=list)
    """Why the last action was refused."""


class DeleteDatasetPage(PageModel):
    """Asks whether a dataset shall be deleted, and says where it is still provisioned."""

    dataset: DatasetRow


class RowCounts:
    """How many rows a dataset has: content never changes under its hash, so what was counted once holds for ever."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._read: set[tuple[str, str, int]] = set()

    def learn(self, service: LabService, labs: list[LabInfo]) -> None:
        """Take note of the counts in results that were not read yet."""
        looked_up = 0
        for lab in reversed(labs):
            stand = (lab.id, lab.state.state.value, max((slot.sequence for slot in lab.slots), default=0))
            if stand in self._read or lab.state.state in (LabState.EMPTY, LabState.VALIDATING):
                continue
            if looked_up == LOOKED_UP:
                break
            looked_up += 1
            self._read.add(stand)
            for result in service.results(lab.id):
                for kind, manifest_hash in result.datasets.items():
                    rows = rows_in(result.summary, kind)
                    if rows is not None:
                        self._known[manifest_hash] = rows

    def of(self, manifest_hash: str) -> int | None:
        """Return the rows of a dataset, if they are known."""
        return self._known.get(manifest_hash)


def rows_in(summary: dict[str, Any], kind: DatasetKind) -> int | None:
    """Return the rows of a dataset that the summary of a result tells, valid and invalid ones.

    Example:
        >>> rows_in({"segments.valid_rows": 90, "segments.invalid_rows": 10}, DatasetKind.SEGMENTS)
        100
    """
    valid, invalid = summary.get(f"{kind.value}.valid_rows"), summary.get(f"{kind.value}.invalid_rows")
    return valid + invalid if isinstance(valid, int) and isinstance(invalid, int) else None


def show(request: Request, visitor: Reader, service: Service) -> Response:
    """Every stored dataset with size, rows and where it is provisioned, and the way to upload one."""
    del visitor
    return render(request, "datasets.html.j2", page_of(request, service))


def delete_form(dataset: str, request: Request, visitor: Changer, service: Service) -> Response:
    """Asks before a dataset is deleted."""
    del visitor
    return render(request, "dataset_delete.html.j2", DeleteDatasetPage(dataset=_row(request, service, dataset)))


def delete(
    dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields
) -> Response:
    """Deletes a dataset; one that is provisioned only when that was confirmed too."""
    del visitor
    row = _row(request, service, dataset)
    force = form.get("force") == "yes"
    try:
        service.delete_dataset(row.manifest_hash, force=force)
    except DatasetInUse:
        page = DeleteDatasetPage(dataset=_row(request, service, dataset))
        return render(request, "dataset_delete.html.j2", page, status=409)
    record("dataset.delete", row.manifest_hash, force=force)
    return go(request, "/datasets", f"Deleted {row.name} and its key.")


def page_of(request: Request, service: LabService, problems: list[str] | None = None) -> DatasetsPage:
    """Return the Dataset Portal as it stands."""
    rows = _rows(request, service, service.datasets())
    search = request.query_params.get("q", "").strip()[:200]
    wanted = search.casefold()
    return DatasetsPage(
        datasets=[row for row in rows if wanted in row.name.casefold() or row.manifest_hash.startswith(wanted)],
        total=len(rows),
        total_size=sum(row.size for row in rows),
        search=search,
        problems=problems or [],
    )


def _row(request: Request, service: LabService, manifest_hash: str) -> DatasetRow:
    return _rows(request, service, [service.dataset(manifest_hash)])[0]


def _rows(request: Request, service: LabService, datasets: list[DatasetInfo]) -> list[DatasetRow]:
    labs = service.labs() if datasets else []
    counts = _counts(request)
    counts.learn(service, labs)
    places: dict[str, list[Place]] = {}
    for lab in labs:
        for slot in lab.slots:
            places.setdefault(slot.manifest_hash, []).append(Place(lab_id=lab.id, lab_name=lab.name, kind=slot.kind))
    return [
        DatasetRow(
            manifest_hash=dataset.manifest_hash,
            name=dataset.name,
            description=dataset.description,
            size=dataset.size,
            rows=counts.of(dataset.manifest_hash),
            usage=dataset.usage,
            created_at=dataset.created_at,
            created_by=dataset.created_by,
            has_key=dataset.secret_id is not None,
            places=places.get(dataset.manifest_hash, []),
        )
        for dataset in reversed(datasets)
    ]


def _counts(request: Request) -> RowCounts:
    """The counts of this app, so that two deployments in one process do not share them."""
    state = request.app.state
    if not hasattr(state, "row_counts"):
        state.row_counts = RowCounts()
    counts: RowCounts = state.row_counts
    return counts
