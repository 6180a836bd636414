"""The Dataset Portal: lists and deletes stored datasets and shows their labs; uploads use the API."""

from __future__ import annotations

import contextlib
from datetime import datetime

from fastapi import Request, Response
from pydantic import Field, computed_field

from datalab.formats import name_or_unnamed
from datalab.ingest.recognise import words
from datalab.kinds import KINDS, DatasetKind
from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.paging import Paging, Sorting, paging_of, query_in, sorting
from datalab_dagster.service import (
    DatasetInfo,
    DatasetInUse,
    DatasetListInfo,
    DatasetNotFound,
    DatasetQuery,
    KeyAccessDenied,
    KeyRole,
    LabService,
)
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel

MOST_STORED = 50
"""How many datasets are named that were just stored."""


class Place(ServiceModel):
    """A slot that contains a dataset."""

    lab_id: str
    lab_name: str
    kind: DatasetKind | None
    """None: it is a lab of other publishers."""


class DatasetRow(DatasetInfo):
    """A stored dataset and the slots that contain it."""

    places: list[Place]

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def has_key(self) -> bool:
        """Return whether it can be provisioned."""
        return self.secret_id is not None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def looks_like(self) -> str:
        """What its file looks like, in a few words; empty for those who may not use it."""
        return words.kind_words(self.facts) if self.your_role else ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def notes(self) -> list[str]:
        """What should be changed in its file."""
        return words.notes(self.facts) if self.facts else []

    @property
    def sentence(self) -> str:
        """What it looks like, as a sentence that begins in lower case."""
        text = words.looks_like(self.facts) if self.facts else "It is not known what it looks like."
        return text[:1].lower() + text[1:]

    @property
    def form(self) -> str:
        """Its columns, header and encoding, in words."""
        return words.form_words(self.facts)


class SameContent(ServiceModel):
    """Another stored dataset of the same content, which the visitor may use."""

    manifest_hash: str
    name: str
    created_at: datetime


class StoredRow(DatasetRow):
    """A dataset that was just stored."""

    same: SameContent | None
    """The oldest one of the same content."""


class DatasetsPage(PageModel):
    """Stored datasets, a page of them; by default, the newest first."""

    datasets: list[DatasetRow]
    total: int
    """Before any search."""
    total_size: int
    search: str = ""
    kind: DatasetKind | None = None
    """Only datasets that look like this kind are shown."""
    use: str = ""
    """`used` or `unused`: only datasets that a lab uses, or none."""
    sorting: Sorting
    paging: Paging
    stored: list[StoredRow] = Field(default_factory=list)
    """What was just stored, to be said once."""


class DeleteDatasetPage(PageModel):
    """Asks whether to delete a dataset, and lists the labs that it is provisioned to."""

    dataset: DatasetRow


def show(request: Request, visitor: Reader, service: Service) -> Response:
    """A page of the stored datasets with size, rows and labs, and the form to upload one."""
    del visitor
    listed = [(kind.value, entry.title) for kind, entry in KINDS.items()]
    return render(request, "datasets.html.j2", _page(request, service), kinds=KINDS, kind_choices=listed)


def delete_form(dataset: str, request: Request, visitor: Changer, service: Service) -> Response:
    """Asks for confirmation before a dataset is deleted."""
    row = row_of(service, dataset)
    if row.your_role is not KeyRole.OWNER:
        raise KeyAccessDenied(row.manifest_hash, visitor.email, "delete")
    return render(request, "dataset_delete.html.j2", DeleteDatasetPage(dataset=row))


def delete(
    dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields
) -> Response:
    """Deletes a dataset; a provisioned one only if that was confirmed too."""
    del visitor
    row = row_of(service, dataset)
    force = form.get("force") == "yes"
    try:
        service.delete_dataset(row.manifest_hash, force=force)
    except DatasetInUse as error:
        page = DeleteDatasetPage(dataset=row_of(service, dataset))
        return render(request, "dataset_delete.html.j2", page, status=status_of(error))
    record("dataset.delete", row.manifest_hash, force=force)
    return go(request, "/datasets", f"Deleted {row.name} and its key.")


def _page(request: Request, service: LabService) -> DatasetsPage:
    given = request.query_params
    kind = next((known for known in DatasetKind if known.value == given.get("kind")), None)
    use = given.get("use") if given.get("use") in ("used", "unused") else None
    query = query_in(request, DatasetQuery, kind=kind, use=use)
    found = service.lists.datasets(query)
    stored = [row for one in given.getlist("stored")[:MOST_STORED] for row in _rows_named(service, one)]
    return DatasetsPage(
        datasets=rows_of(found),
        total=found.total,
        total_size=found.size,
        search=query.text,
        kind=kind,
        use=use or "",
        sorting=sorting(request, DatasetQuery.columns()),
        paging=paging_of(request, query, found.found),
        stored=[_stored(service, row) for row in stored if row.your_role],
    )


def _stored(service: LabService, row: DatasetRow) -> StoredRow:
    same = same_content(service, row.manifest_hash)
    return StoredRow.model_validate({**vars(row), "same": same[0] if same else None})


def same_content(service: LabService, manifest_hash: str) -> list[SameContent]:
    """Return the other datasets of the same content that the visitor may use, the oldest first."""
    with contextlib.suppress(DatasetNotFound):  # deleted meanwhile
        return [
            SameContent.model_validate(service.dataset(other)) for other in service.dataset(manifest_hash).same_content
        ]
    return []


def row_of(service: LabService, manifest_hash: str) -> DatasetRow:
    """Return a stored dataset with the slots that contain it.

    Raises:
        DatasetNotFound: there is none of this manifest hash.
    """
    for row in _rows_named(service, manifest_hash):
        return row
    raise DatasetNotFound(manifest_hash)


def _rows_named(service: LabService, manifest_hash: str) -> list[DatasetRow]:
    """Return the dataset of this manifest hash, if it is stored."""
    found = rows_of(service.lists.datasets(DatasetQuery(text=manifest_hash[:200])))
    return [row for row in found if row.manifest_hash == manifest_hash]


def rows_of(found: DatasetListInfo) -> list[DatasetRow]:
    """Return a page of datasets with the slots that contain them, in the same order."""
    places = {
        manifest_hash: [
            Place(lab_id=use.lab_id, lab_name=name_or_unnamed(use.lab_name, use.lab_created_at), kind=use.kind)
            for use in uses
        ]
        for manifest_hash, uses in found.uses.items()
    }
    return [
        DatasetRow.model_validate({**vars(dataset), "places": places[dataset.manifest_hash]})
        for dataset in found.datasets
    ]
