"""The page on which a stored dataset is chosen for a slot of a lab; with JavaScript it opens in a dialog."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from datalab.kinds import DatasetKind
from datalab_dagster.portal.access import Changer, Service
from datalab_dagster.portal.pages.choices import chosen_in, query_of
from datalab_dagster.portal.pages.datasets import DatasetRow, rows_of
from datalab_dagster.portal.pages.lab import LabTab, head_of
from datalab_dagster.portal.pages.page import render
from datalab_dagster.service import DatasetQuery, LabNotFound
from datalab_dagster.service.models import ServiceModel

ANY_KIND = "any"
SIZES = (20, 50, 100)


class Filter(ServiceModel):
    """Which stored datasets are listed."""

    kind: DatasetKind | None
    """Only datasets that may be of this kind; None: of any."""
    unused: bool
    """Only datasets that no lab uses."""
    search: str
    page: int
    size: int


class ChoosePage(LabTab):
    """The stored datasets that the visitor may provision, the newest first."""

    slot: DatasetKind
    datasets: list[DatasetRow]
    others: list[str]
    """Manifest hashes of the listed datasets that certainly have another kind."""
    filter: Filter
    found: int
    """How many there are with this filter; `datasets` is one page of them."""
    total: int
    without_key: int
    """Datasets of the visitor that cannot be provisioned, because their key was not kept."""
    held: str
    """Manifest hash of what the slot has now; it is not listed."""
    chosen: dict[DatasetKind, str]
    """What is chosen for all slots already."""
    back: str
    """The page of the lab with what is chosen."""


def show(lab: str, kind: str, request: Request, visitor: Changer, service: Service) -> Response:
    """The stored datasets for a slot, filtered to its kind, by use and by name, 20 on a page."""
    del visitor
    info = service.lab(lab)
    if kind not in {slot.value for slot in info.definition.datasets}:
        raise LabNotFound(f"{lab}/{kind}")
    slot = DatasetKind(kind)
    chosen = chosen_in(request.query_params, info)
    held = {one.kind: one.manifest_hash for one in info.slots}.get(slot, "")
    wanted = _filter(request.query_params, slot)
    found = service.lists.datasets(_query(wanted, held))
    last = max(1, -(-found.found // wanted.size))
    if wanted.page > last:
        wanted = wanted.model_copy(update={"page": last})
        found = service.lists.datasets(_query(wanted, held))
    rows = rows_of(found)
    page = ChoosePage(
        **head_of(service, info),
        slot=slot,
        datasets=rows,
        others=[row.manifest_hash for row in rows if row.facts and row.facts.kind not in (None, slot)],
        filter=wanted,
        found=found.found,
        total=found.total,
        without_key=found.without_key,
        held=held,
        chosen=chosen,
        back=f"/datalabs/{info.id}{query_of(chosen)}",
    )
    return render(request, "choose.html.j2", page, sizes=SIZES, any_kind=ANY_KIND)


def _filter(query: Any, slot: DatasetKind) -> Filter:
    of = query.get("kind", slot.value)
    size = query.get("size", "")
    page = query.get("page", "")
    return Filter(
        kind=None if of == ANY_KIND else DatasetKind(of) if of in set(DatasetKind) else slot,
        unused=query.get("unused") == "yes",
        search=query.get("q", "").strip()[:200],
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        size=int(size) if size in {str(known) for known in SIZES} else SIZES[0],
    )


def _query(wanted: Filter, held: str) -> DatasetQuery:
    return DatasetQuery(
        text=wanted.search,
        kind=wanted.kind,
        unsure=True,
        use="unused" if wanted.unused else None,
        usable=True,
        besides=held,
        first=(wanted.page - 1) * wanted.size,
        count=wanted.size,
    )
