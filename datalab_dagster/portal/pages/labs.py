"""The list of labs, and the deletion of one; `lab` has the page of a lab, `wizard` its creation."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from datalab.kinds import DatasetKind
from datalab.results.status import ValidationStatus
from datalab_dagster.portal.access import Admin, Changer, Record, Service
from datalab_dagster.portal.pages.causes import CauseView, SlotView, of_lab
from datalab_dagster.portal.pages.page import PageModel, go, render
from datalab_dagster.portal.pages.paging import Paging, Sorting, paging_of, query_in, sorting
from datalab_dagster.portal.pages.texts import lab_name, next_step
from datalab_dagster.portal.shared import shared_labs
from datalab_dagster.service import LabQuery, LabState, OtherLabInfo, Permission
from datalab_dagster.service.models import LabInfo, ServiceModel, SharedLab


class LabRow(ServiceModel):
    """A lab in the list."""

    id: str
    name: str
    state: LabState
    title: str
    """The state as people read it."""
    reason: str
    next_step: str
    cause: CauseView | None
    """Why it is not Ready, or what is wrong with a file although it is; None: its state says all."""
    datasets: dict[DatasetKind, bool]
    """Every slot, and whether it is filled."""
    slots: dict[DatasetKind, SlotView]
    """The state of every slot."""
    refreshed_at: datetime | None
    """When a dataset was last provisioned."""
    refreshed_by: str
    created_at: datetime
    shares_statistics: bool


class LabsPage(PageModel):
    """The labs that the visitor may read, a page of them; by default, the newest first."""

    labs: list[LabRow]
    total: int
    """Before any filter."""
    states: dict[LabState, int]
    """How many there are in each state."""
    state: LabState | None = None
    """Only labs in this state are shown."""
    search: str = ""
    """Only labs with this in name or id are shown."""
    sorting: Sorting
    paging: Paging
    others: list[OtherLabInfo]
    """Labs of other publishers, a page of them, the newest first."""
    others_paging: Paging


class SharedPage(PageModel):
    """The labs that share their aggregates, the newest first: what a vendor's admin sees."""

    labs: list[SharedLab]


class DeleteLabPage(PageModel):
    """Asks whether to delete a lab, and lists what is deleted and what is kept."""

    lab: LabInfo


def show(request: Request, visitor: Admin, service: Service) -> Response:
    """A page of labs with state, next step, datasets and last refresh; to an admin, what labs share."""
    if not visitor.may(Permission.READ):
        return render(request, "shared.html.j2", SharedPage(labs=shared_labs(service)[::-1]))
    state = next((known for known in LabState if known.value == request.query_params.get("state")), None)
    query = query_in(request, LabQuery, state=state)
    others = query_in(request, LabQuery, page="others", text="")
    found, hidden = service.lists.labs(query), service.lists.other_labs(others)
    page = LabsPage(
        labs=[row_of(lab, found.statuses.get(lab.id)) for lab in found.labs],
        total=found.total,
        states=found.states,
        state=state,
        search=query.text,
        sorting=sorting(request, LabQuery.columns()),
        paging=paging_of(request, query, found.found),
        others=hidden.labs,
        others_paging=paging_of(request, others, hidden.found, page="others"),
    )
    return render(request, "labs.html.j2", page)


def delete_form(lab: str, request: Request, visitor: Changer, service: Service) -> Response:
    """Asks for confirmation before a lab is deleted."""
    del visitor
    return render(request, "lab_delete.html.j2", DeleteLabPage(lab=service.lab(lab)))


def delete(lab: str, request: Request, visitor: Changer, service: Service, record: Record) -> Response:
    """Deletes the lab; its datasets are kept."""
    del visitor
    info = service.lab(lab)
    service.delete_lab(info.id)
    record("lab.delete", info.id)
    return go(request, "/datalabs", f"Deleted {lab_name(info)}. Its datasets are still in the Dataset Portal.")


def home(request: Request, visitor: Admin) -> Response:
    """Redirects to the list of labs."""
    del visitor
    return go(request, "/datalabs")


def row_of(lab: LabInfo, status: ValidationStatus | None) -> LabRow:
    """Return a lab for the list; `status`: of its current result."""
    cause, slots = of_lab(lab, status)
    filled = {slot.kind for slot in lab.slots}
    last = max(lab.slots, key=lambda slot: slot.provisioned_at, default=None)
    missing = [kind for kind in lab.definition.datasets if kind not in filled]
    return LabRow(
        id=lab.id,
        name=lab.name,
        state=lab.state.state,
        title=lab.state.title,
        reason=lab.state.reason,
        next_step=next_step(
            lab.state.state, missing, automatic=lab.state.starts_automatically, obstacle=lab.state.obstacle
        ),
        cause=cause,
        datasets={kind: kind in filled for kind in lab.definition.datasets},
        slots=slots,
        refreshed_at=last.provisioned_at if last else None,
        refreshed_by=last.provisioned_by if last else "",
        created_at=lab.created_at,
        shares_statistics=lab.definition.share_statistics,
    )
