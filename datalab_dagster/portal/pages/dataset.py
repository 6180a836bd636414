"""The page of one stored dataset: what it looks like, where it is used, what it was made of; replacing its original."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import Field

from datalab.errors import UsageError
from datalab.formats import listed
from datalab.kinds import DatasetKind
from datalab_dagster.portal.access import Changer, Reader, Record, Service, Visitor
from datalab_dagster.portal.pages.datasets import DatasetRow, SameContent, row_of, same_content
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.texts import lab_name
from datalab_dagster.service import DatasetNotFound, LabInfo, LabService, Permission
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel


class Holder(ServiceModel):
    """A lab of the visitor in which the original of a repaired dataset is provisioned."""

    lab_id: str
    lab_name: str
    kinds: list[DatasetKind]
    """The slots that hold it."""


class Related(ServiceModel):
    """Another dataset, as a link."""

    manifest_hash: str
    name: str


class DatasetPage(PageModel):
    """One stored dataset."""

    dataset: DatasetRow
    original: Related | None
    """What it is a repaired copy of, if that is still stored."""
    copies: list[Related]
    """Its repaired copies."""
    same: list[SameContent]
    """Other datasets of the same content that the visitor may use, the oldest first."""
    holders: list[Holder]
    """Labs that the visitor may change, in which it can replace its original."""
    problems: list[str] = Field(default_factory=list)
    """Why the last action was refused."""


def show(dataset: str, request: Request, visitor: Reader, service: Service) -> Response:
    """One stored dataset; a repaired one can replace its original from here."""
    return render(request, "dataset.html.j2", page_of(service, dataset, visitor))


def replace(
    dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields
) -> Response:
    """Provisions a repaired dataset in place of its original, in the chosen labs; each lab changes as a whole."""
    new = service.dataset(dataset)
    if new.made_from is None:
        raise DatasetNotFound(dataset)
    replaced: list[LabInfo] = []
    problems: list[str] = []
    status = 409
    for info in [service.lab(str(lab)) for lab in form.getlist("lab")]:
        changes: dict[DatasetKind, str | None] = dict.fromkeys(_kinds(info, new.made_from), new.manifest_hash)
        if not changes:
            problems.append(f"{lab_name(info)} does not use the original any more. Nothing was changed there.")
            continue
        try:
            replaced.append(service.change(info.id, changes, check_kinds=True))
        except UsageError as error:
            status = status_of(error)
            problems.append(f"{lab_name(info)}: {error}")
            continue
        record("lab.provision", info.id, changes={kind.value: new.manifest_hash for kind in changes})
    if not replaced and not problems:
        problems, status = ["Choose at least one Datalab."], 422
    if problems:
        page = page_of(service, dataset, visitor).model_copy(update={"problems": problems})
        return render(request, "dataset.html.j2", page, status=status)
    said = f"Replaced the original by {new.name} in {listed([lab_name(info) for info in replaced])}."
    if any(info.state.starts_automatically for info in replaced):
        said += " Validation starts automatically."
    where = f"/datalabs/{replaced[0].id}" if len(replaced) == 1 else f"/datasets/{new.manifest_hash}"
    return go(request, where, said)


def page_of(service: LabService, manifest_hash: str, visitor: Visitor) -> DatasetPage:
    """Return the content of the page of a dataset for this visitor."""
    row = row_of(service, manifest_hash)
    every = {one.manifest_hash: one for one in service.datasets()}
    original = every.get(row.made_from or "")
    return DatasetPage(
        dataset=row,
        original=Related.model_validate(original) if original else None,
        copies=[Related.model_validate(one) for one in every.values() if one.made_from == row.manifest_hash],
        same=same_content(service, row.manifest_hash),
        holders=_holders(service, row) if visitor.may(Permission.CHANGE) and row.your_role else [],
    )


def _holders(service: LabService, copy: DatasetRow) -> list[Holder]:
    if copy.made_from is None or not copy.has_key:
        return []
    found = [(lab, _kinds(lab, copy.made_from)) for lab in service.labs()]
    return [Holder(lab_id=lab.id, lab_name=lab_name(lab), kinds=kinds) for lab, kinds in found if kinds]


def _kinds(lab: LabInfo, manifest_hash: str) -> list[DatasetKind]:
    return [slot.kind for slot in lab.slots if slot.manifest_hash == manifest_hash]
