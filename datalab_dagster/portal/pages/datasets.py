"""The Dataset Portal: lists and deletes stored datasets and shows their labs; uploads use the API."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import Field, computed_field

from datalab.ingest.recognise import words
from datalab.kinds import KINDS, DatasetKind
from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.texts import lab_name
from datalab_dagster.service import DatasetInfo, DatasetInUse, KeyAccessDenied, KeyRole, LabService
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel


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


class DatasetsPage(PageModel):
    """All stored datasets, the newest first."""

    datasets: list[DatasetRow]
    total: int
    """Before any search."""
    total_size: int
    search: str = ""
    stored: list[DatasetRow] = Field(default_factory=list)
    """What was just stored, to be said once."""


class DeleteDatasetPage(PageModel):
    """Asks whether to delete a dataset, and lists the labs that it is provisioned to."""

    dataset: DatasetRow


def show(request: Request, visitor: Reader, service: Service) -> Response:
    """Every stored dataset with size, rows and labs, and the form to upload one."""
    del visitor
    return render(request, "datasets.html.j2", _page(request, service), kinds=KINDS)


def delete_form(dataset: str, request: Request, visitor: Changer, service: Service) -> Response:
    """Asks for confirmation before a dataset is deleted."""
    row = _row(service, dataset)
    if row.your_role is not KeyRole.OWNER:
        raise KeyAccessDenied(row.manifest_hash, visitor.email, "delete")
    return render(request, "dataset_delete.html.j2", DeleteDatasetPage(dataset=row))


def delete(
    dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields
) -> Response:
    """Deletes a dataset; a provisioned one only if that was confirmed too."""
    del visitor
    row = _row(service, dataset)
    force = form.get("force") == "yes"
    try:
        service.delete_dataset(row.manifest_hash, force=force)
    except DatasetInUse as error:
        page = DeleteDatasetPage(dataset=_row(service, dataset))
        return render(request, "dataset_delete.html.j2", page, status=status_of(error))
    record("dataset.delete", row.manifest_hash, force=force)
    return go(request, "/datasets", f"Deleted {row.name} and its key.")


def _page(request: Request, service: LabService) -> DatasetsPage:
    rows = rows_of(service, service.datasets()[::-1])
    search = request.query_params.get("q", "").strip()[:200]
    wanted = search.casefold()
    return DatasetsPage(
        datasets=[row for row in rows if wanted in row.name.casefold() or row.manifest_hash.startswith(wanted)],
        total=len(rows),
        total_size=sum(row.size for row in rows),
        search=search,
        stored=[row for row in rows if row.manifest_hash in request.query_params.getlist("stored") and row.your_role],
    )


def _row(service: LabService, manifest_hash: str) -> DatasetRow:
    return rows_of(service, [service.dataset(manifest_hash)])[0]


def rows_of(service: LabService, datasets: list[DatasetInfo]) -> list[DatasetRow]:
    """Return datasets with the slots that contain them, in the same order."""
    labs = service.labs() if datasets else []
    places: dict[str, list[Place]] = {}
    for lab in labs:
        for slot in lab.slots:
            places.setdefault(slot.manifest_hash, []).append(
                Place(lab_id=lab.id, lab_name=lab_name(lab), kind=slot.kind)
            )
    others = {lab.id: lab_name(lab) for lab in service.other_labs()} if datasets else {}
    for dataset in datasets:
        hidden = [Place(lab_id=lab, lab_name=others[lab], kind=None) for lab in dataset.labs if lab in others]
        places[dataset.manifest_hash] = places.get(dataset.manifest_hash, []) + hidden
    return [
        DatasetRow.model_validate({**vars(dataset), "places": places[dataset.manifest_hash]}) for dataset in datasets
    ]
