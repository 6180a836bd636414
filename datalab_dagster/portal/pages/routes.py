"""The list of all pages and actions: address, view, and whether a page has a JSON twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from datalab_dagster.portal.pages import (
    choose,
    dataset,
    datasets,
    finding,
    history,
    lab,
    labs,
    now,
    progress,
    provisioning,
    repair,
    reports,
    rows,
    schedule,
    session,
    statistics,
    wizard,
)

View = Callable[..., Any]


@dataclass(frozen=True)
class Page:
    """A page; its JSON twin has the same address with `.json`."""

    path: str
    view: View
    twin: bool = True


@dataclass(frozen=True)
class Action:
    """The action of a form; it answers with a page or a redirect."""

    path: str
    view: View


PAGES = (
    Page("/", labs.home, twin=False),
    Page("/datasets", datasets.show),
    Page("/datasets/{dataset}", dataset.show),
    Page("/datasets/{dataset}/repair", repair.show),
    Page("/datasets/{dataset}/delete", datasets.delete_form),
    Page("/datalabs", labs.show),
    Page("/datalabs/new", wizard.show),
    Page("/datalabs/{lab}", lab.show),
    Page("/datalabs/{lab}/now", now.show, twin=False),
    Page("/datalabs/{lab}/choose/{kind}", choose.show),
    Page("/datalabs/{lab}/statistics", statistics.show),
    Page("/datalabs/{lab}/reports", reports.show),
    Page("/datalabs/{lab}/findings/{finding}", finding.show),
    Page("/datalabs/{lab}/history", history.show),
    Page("/datalabs/{lab}/history/trends.csv", history.trends, twin=False),
    Page("/datalabs/{lab}/runs/{run}", progress.show),
    Page("/datalabs/{lab}/delete", labs.delete_form),
    Page("/datalabs/{lab}/files/{name}", statistics.file, twin=False),
    Page("/datalabs/{lab}/reports/{kind}/download", reports.file, twin=False),
    Page("/datalabs/{lab}/rows/{kind}", rows.show),
    Page("/datalabs/{lab}/rows/{kind}/download", rows.file, twin=False),
    Page("/login", session.show),
    Page("/logout", session.end_form),
)
ACTIONS = (
    Action("/datasets/{dataset}/repair", repair.store),
    Action("/datasets/{dataset}/replace", dataset.replace),
    Action("/datasets/{dataset}/delete", datasets.delete),
    Action("/datalabs/new", wizard.submit),
    Action("/datalabs/{lab}/provision", provisioning.provision),
    Action("/datalabs/{lab}/validate", lab.validate),
    Action("/datalabs/{lab}/owners", lab.owners),
    Action("/datalabs/{lab}/schedule", schedule.schedule),
    Action("/datalabs/{lab}/runs/{run}/cancel", progress.cancel),
    Action("/datalabs/{lab}/delete", labs.delete),
    Action("/login", session.submit),
    Action("/logout", session.end),
)


def make_router() -> APIRouter:
    """Return all pages and actions; a twin comes before its page, whose last part would match the suffix."""
    router = APIRouter(include_in_schema=False)
    for page in PAGES:
        if page.twin:
            router.add_api_route(f"{page.path}.json", page.view, methods=["GET"], response_model=None)
        router.add_api_route(page.path, page.view, methods=["GET", "HEAD"], response_model=None)
    for action in ACTIONS:
        router.add_api_route(action.path, action.view, methods=["POST"], response_model=None)
    return router
