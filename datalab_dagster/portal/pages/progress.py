"""The progress of a run by steps, and the page of one run."""

from __future__ import annotations

import contextlib

from fastapi import Request, Response

from datalab.formats import duration
from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.pages.page import PageModel, go, render
from datalab_dagster.portal.pages.texts import RUN_WORDS, step_group, step_place, step_words
from datalab_dagster.service import (
    DatasetNotFound,
    LabInfo,
    LabService,
    LabState,
    ResultInfo,
    ResultQuery,
    RunInfo,
    RunNotFound,
    RunState,
)
from datalab_dagster.service.models import ServiceModel, StepInfo

_ORDER = ("Datasets", "Validation", "Statistics", "Results")


class Step(StepInfo):
    """One step, for display."""

    title: str
    took: str
    """The duration, for display."""


class StepGroup(ServiceModel):
    """The steps of one part of the graph."""

    title: str
    state: str
    done: int
    steps: list[Step]


class RunPage(PageModel):
    """One run of a lab."""

    lab: LabInfo
    lab_state: LabState
    run: RunInfo
    run_words: str
    progress: list[StepGroup]
    result: ResultInfo | None
    """Its result."""
    graph_url: str | None
    """The asset graph in Dagster's UI, while that UI runs."""
    dataset_names: dict[str, str]
    """Manifest hash → name, of datasets that are still stored."""


def show(lab: str, run: str, request: Request, visitor: Reader, service: Service) -> Response:
    """One run: its datasets, its progress, its result."""
    del visitor
    info = service.lab(lab)
    found = run_of(service, info, run)
    kept = service.lists.results(info.id, ResultQuery(text=found.run_id))
    result = next((result for result in kept.results if result.run_id == found.run_id), None)
    page = RunPage(
        lab=info,
        lab_state=info.state.state,
        run=found,
        run_words=RUN_WORDS[found.state],
        progress=groups_of(found.steps),
        result=result,
        graph_url=graph_url(found),
        dataset_names=_names(service, found),
    )
    return render(request, "run.html.j2", page)


def _names(service: LabService, run: RunInfo) -> dict[str, str]:
    names = {}
    for manifest_hash in run.datasets.values():
        with contextlib.suppress(DatasetNotFound):
            names[manifest_hash] = service.dataset(manifest_hash).name
    return names


def cancel(lab: str, run: str, request: Request, visitor: Changer, service: Service, record: Record) -> Response:
    """Stops a run."""
    del visitor
    info = service.lab(lab)
    found = run_of(service, info, run)
    if found.is_complete:
        return go(request, f"/datalabs/{info.id}", "The run had ended already.")
    stopped = service.cancel_run(found.run_id)
    record("run.cancel", stopped.run_id, lab=info.id)
    said = "The run was cancelled." if stopped.state is RunState.CANCELLED else "The run ended before it was cancelled."
    return go(request, f"/datalabs/{info.id}", said)


def graph_url(run: RunInfo | None) -> str | None:
    """Return the address of the asset graph in Dagster's UI, from the address of a run there.

    Example:
        >>> graph_url(None) is None
        True
    """
    return f"{run.url.rpartition('/runs/')[0]}/asset-groups" if run and run.url else None


def run_of(service: LabService, lab: LabInfo, run: str) -> RunInfo:
    """Return a run of this lab.

    Raises:
        RunNotFound: there is none, or it belongs to another lab.
    """
    found = service.run(run)
    if found.lab_id != lab.id:
        raise RunNotFound(run)
    return found


def groups_of(steps: list[StepInfo]) -> list[StepGroup]:
    """Return the steps by part of the graph, each part with its own state."""
    groups: dict[str, list[Step]] = {title: [] for title in _ORDER}
    for step in sorted(steps, key=lambda step: step_place(step.name)):
        took = "" if step.seconds is None else duration(step.seconds)
        shown = Step.model_validate({**vars(step), "title": step_words(step.name), "took": took})
        groups[step_group(step.name)].append(shown)
    return [
        StepGroup(
            title=title,
            state=_together([step.state for step in group]),
            done=sum(step.state in ("SUCCESS", "SKIPPED") for step in group),
            steps=group,
        )
        for title, group in groups.items()
        if group
    ]


def _together(states: list[str]) -> str:
    for worst in ("FAILED", "RUNNING"):
        if worst in states:
            return worst
    if all(state in ("SUCCESS", "SKIPPED") for state in states):
        return "SUCCESS"
    return "PENDING" if all(state == "PENDING" for state in states) else "RUNNING"
