"""The page of one lab: its datasets, the progress of its validation, its result; validation and owners.

`provisioning` has the action that fills its slots, `choose` the page on which a dataset is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from pydantic import Field

from datalab.dashboard.summary import Note
from datalab.dashboard.tables import PageFigure
from datalab.errors import UsageError
from datalab.formats import listed
from datalab.kinds import KINDS, DatasetKind
from datalab.results.status import DatasetStatus
from datalab.statistics.causes import causes_of
from datalab_dagster.portal.access import Admin, Changer, Record, Service, Visitor
from datalab_dagster.portal.pages import results
from datalab_dagster.portal.pages.causes import CauseView, SlotView, first_of, further, slots_of
from datalab_dagster.portal.pages.choices import (
    Choice,
    ExpectedView,
    Offered,
    choices,
    chosen_in,
    expected_of,
    offered,
    with_known_users,
)
from datalab_dagster.portal.pages.now import version_of
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.progress import StepGroup, graph_url, groups_of
from datalab_dagster.portal.pages.texts import lab_name, next_step
from datalab_dagster.service import (
    HistoryQuery,
    LabIncomplete,
    LabInfo,
    LabNotFound,
    LabService,
    LabState,
    Permission,
    ResultInfo,
    RunInfo,
    RunState,
    SlotInfo,
)
from datalab_dagster.service.hints import evidence_of
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel
from datalab_dagster.service.schedules_protocol import ScheduleInfo

VALIDATED = (LabState.READY, LabState.FAILED)


class LabTab(PageModel):
    """The head of every page of a lab."""

    lab: LabInfo
    next_step: str
    version: str
    """Of what the page shows; `now` has the newest one."""


class Slot(ServiceModel):
    """One dataset that the lab needs."""

    kind: DatasetKind
    purpose: str
    columns: str
    """Of its file, in order."""
    holds: SlotInfo | None
    checked: DatasetStatus | None
    """Its part of the current result: valid and invalid rows, errors."""
    state: SlotView
    expected: list[ExpectedView]
    """What it should have, and what it has."""
    chosen: Choice | None
    """The dataset that the visitor has chosen for it; it is not provisioned yet."""


class LabPage(LabTab):
    """The page of a lab."""

    slots: list[Slot]
    can_choose: bool
    """Whether there is a stored dataset that the visitor may provision."""
    proposed: dict[DatasetKind, str]
    """The newest unused dataset of each kind; empty: none is newer than what is provisioned."""
    run: RunInfo | None
    """The newest run, with its steps."""
    progress: list[StepGroup]
    graph_url: str | None
    """The asset graph in Dagster's UI, while that UI runs."""
    result: ResultInfo | None
    """The current result."""
    earlier: ResultInfo | None
    """The newest result, if it is not of the datasets provisioned now."""
    headlines: list[PageFigure]
    cause: CauseView | None
    """Why the lab is not Ready, or what is wrong with a file although it is; None: its state says all."""
    findings: list[Note]
    """All other findings of the current result."""
    schedule: ScheduleInfo | None
    """When it is validated again."""
    problems: list[str] = Field(default_factory=list)
    """Why the last action was refused."""


def show(lab: str, request: Request, visitor: Admin, service: Service) -> Response:
    """The page of a lab; visitors who may only see shared aggregates are redirected to the statistics."""
    info = lab_for(service, lab, visitor)
    if not visitor.may(Permission.READ):
        suffix = ".json" if request.url.path.endswith(".json") else ""
        return go(request, f"/datalabs/{info.id}/statistics{suffix}")
    chosen = chosen_in(request.query_params, info) if visitor.may(Permission.CHANGE) else {}
    return render(request, "lab.html.j2", page_of(service, info, visitor, chosen))


def validate(lab: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Ensures that the datasets provisioned now are validated."""
    info = service.lab(lab)
    try:
        run = service.validate(info.id, again=form.get("again") == "yes")
    except LabIncomplete as error:
        problem = f"The lab cannot be validated yet: provision {' and '.join(error.missing)} first."
        page = page_of(service, info, visitor).model_copy(update={"problems": [problem]})
        return render(request, "lab.html.j2", page, status=status_of(error))
    record("lab.validate", info.id, run=run.run_id)
    return go(request, f"/datalabs/{info.id}#progress")


def owners(lab: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Names another owner, or takes one out."""
    info = service.lab(lab)
    added, removed = str(form.get("add", "")).strip(), str(form.get("remove", ""))
    wanted = [owner for owner in info.owners if owner != removed] + ([added] if added else [])
    try:
        if not added and not removed:
            raise UsageError("Give the e-mail address of the publisher who shall own the lab too.")
        now = service.set_lab_owners(info.id, wanted)
    except UsageError as error:
        page = page_of(service, info, visitor).model_copy(update={"problems": [str(error)]})
        return render(request, "lab.html.j2", page, status=status_of(error))
    record("lab.owners", now.id, owners=now.owners)
    where = f"/datalabs/{info.id}" if visitor.email != removed else "/datalabs"
    return go(request, where, f"{lab_name(info)} belongs to {listed(now.owners)}.")


def lab_for(service: LabService, lab: str, visitor: Visitor) -> LabInfo:
    """Return a lab that the visitor may know of.

    Raises:
        LabNotFound: there is none, or it does not share its statistics and the visitor may see nothing else; the error
            does not reveal which.
        LabNameAmbiguous: several have this name.
    """
    if visitor.may(Permission.READ):
        return service.lab(lab)
    found = next((info for info in service.labs() if info.id == lab and info.definition.share_statistics), None)
    if found is None:
        raise LabNotFound(lab)
    return found


def head_of(service: LabService, info: LabInfo) -> dict[str, Any]:
    """Return the fields of the head of every page of a lab."""
    filled = {slot.kind for slot in info.slots}
    missing = [kind for kind in info.definition.datasets if kind not in filled]
    return {
        "lab": info,
        "next_step": next_step(
            info.state.state, missing, automatic=info.state.starts_automatically, obstacle=info.state.obstacle
        ),
        "version": version_of(service, info),
    }


def page_of(
    service: LabService, info: LabInfo, visitor: Visitor, chosen: Mapping[DatasetKind, str] | None = None
) -> LabPage:
    """Return the content of the page of a lab for this visitor; `chosen`: slot → manifest hash, not provisioned yet."""
    newest = service.lists.history(info.id, HistoryQuery(what="run", count=1)).entries
    run = service.run(newest[0].run.run_id) if newest and newest[0].run else None
    result = service.current_result(info.id)
    kept = service.results(info.id) if result is None else []
    found = results.read(service, result) if result else None
    files = evidence_of(info)
    causes = found.causes(files) if found else causes_of(None, evidence=files)
    changes = visitor.may(Permission.CHANGE)
    choosable = offered(service, info) if changes else Offered(any=False, newest={})
    return LabPage(
        **head_of(service, info),
        slots=_slots(
            info,
            found,
            slots_of(info, found.status if found else None, causes, run),
            with_known_users(service, info.id, choices(service, chosen or {}) if changes else {}),
        ),
        can_choose=choosable.any,
        proposed=choosable.newest,
        run=run,
        progress=groups_of(run.steps) if run else [],
        graph_url=graph_url(run),
        result=result,
        earlier=kept[0] if kept else None,
        headlines=found.headlines(info.definition) if found else [],
        cause=first_of(info, causes),
        findings=further(info, causes),
        schedule=service.schedules.of(info.id),
    )


def is_active(run: RunInfo | None) -> bool:
    """Return whether a run is active."""
    return run is not None and run.state is RunState.STARTED


def _slots(
    info: LabInfo,
    found: results.Found | None,
    states: Mapping[DatasetKind, SlotView],
    chosen: Mapping[DatasetKind, Choice],
) -> list[Slot]:
    holds = {slot.kind: slot for slot in info.slots}
    checked = found.status.datasets if found and found.status else {}
    definition = info.definition
    return [
        Slot(
            kind=kind,
            purpose=KINDS[kind].purpose,
            columns=KINDS[kind].columns_text(definition),
            holds=holds.get(kind),
            checked=checked.get(kind.value),
            state=states[kind],
            expected=expected_of(info, found).get(kind, []),
            chosen=chosen.get(kind),
        )
        for kind in definition.datasets
    ]
