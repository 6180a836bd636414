"""The list of labs, and the deletion of one; `lab` has the page of a lab, `wizard` its creation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from datalab.kinds import DatasetKind
from datalab_dagster.portal.access import Admin, Changer, Record, Service
from datalab_dagster.portal.pages.causes import CauseView, SlotView, of_lab
from datalab_dagster.portal.pages.page import PageModel, go, render
from datalab_dagster.portal.pages.paging import (
    MOST_PAGE_ENTRIES,
    MOST_PAGES,
    PAGE_ENTRIES,
    Paging,
    Sorting,
    asked,
    paging,
    sorting,
)
from datalab_dagster.portal.pages.texts import lab_name, next_step
from datalab_dagster.portal.shared import shared_labs
from datalab_dagster.service import LabService, LabState, OtherLabInfo, Permission
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
    """Why it is not Ready, if its current result says so."""
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
    """Labs of other publishers, the newest first."""


class SharedPage(PageModel):
    """The labs that share their aggregates, the newest first: what a vendor's admin sees."""

    labs: list[SharedLab]


class DeleteLabPage(PageModel):
    """Asks whether to delete a lab, and lists what is deleted and what is kept."""

    lab: LabInfo


def show(request: Request, visitor: Admin, service: Service) -> Response:
    """Every lab with its state, the next step, its datasets and the last refresh; to an admin, what labs share."""
    if not visitor.may(Permission.READ):
        return render(request, "shared.html.j2", SharedPage(labs=shared_labs(service)[::-1]))
    labs = service.labs()
    state = next((known for known in LabState if known.value == request.query_params.get("state")), None)
    search = request.query_params.get("q", "").strip()[:200]
    wanted = search.casefold()
    shown = [
        lab
        for lab in labs
        if state in (None, lab.state.state) and (wanted in lab.name.casefold() or wanted in lab.id.casefold())
    ]
    order = sorting(request, list(_COLUMNS), "-created")
    shown.sort(key=_COLUMNS[order.by.removeprefix("-")], reverse=order.by.startswith("-"))
    number, size = asked(request, "page", 1, MOST_PAGES), asked(request, "size", PAGE_ENTRIES, MOST_PAGE_ENTRIES)
    counts = Counter(lab.state.state for lab in labs)
    page = LabsPage(
        labs=[row_of(service, lab) for lab in shown[(number - 1) * size : number * size]],
        total=len(labs),
        states={known: counts[known] for known in LabState if counts[known]},
        state=state,
        search=search,
        sorting=order,
        paging=paging(request, number, size, len(shown)),
        others=service.other_labs()[::-1],
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


def _refreshed(lab: LabInfo) -> datetime:
    """Return when a dataset was last provisioned; labs without one come before all others."""
    return max((slot.provisioned_at for slot in lab.slots), default=datetime.min.replace(tzinfo=UTC))


_COLUMNS: dict[str, Callable[[LabInfo], Any]] = {
    "name": lambda lab: lab_name(lab).casefold(),
    "state": lambda lab: list(LabState).index(lab.state.state),
    "refreshed": _refreshed,
    "created": lambda lab: lab.created_at,
}
"""By what labs can be sorted."""


def row_of(service: LabService, lab: LabInfo) -> LabRow:
    """Return a lab for the list."""
    cause, slots = of_lab(service, lab)
    filled = {slot.kind for slot in lab.slots}
    last = max(lab.slots, key=lambda slot: slot.provisioned_at, default=None)
    missing = [kind for kind in lab.definition.datasets if kind not in filled]
    return LabRow(
        id=lab.id,
        name=lab.name,
        state=lab.state.state,
        title=lab.state.title,
        reason=lab.state.reason,
        next_step=next_step(lab.state.state, missing, automatic=lab.state.starts_automatically),
        cause=cause,
        datasets={kind: kind in filled for kind in lab.definition.datasets},
        slots=slots,
        refreshed_at=last.provisioned_at if last else None,
        refreshed_by=last.provisioned_by if last else "",
        created_at=lab.created_at,
        shares_statistics=lab.definition.share_statistics,
    )
