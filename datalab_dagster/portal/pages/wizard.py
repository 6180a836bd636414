"""Creates a lab in four steps: carries the draft from form to form and shows the requirements of each choice."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from datalab.dashboard.summary import TypeRow, readiness_rows
from datalab.errors import ConfigurationError
from datalab.id_types import IdType
from datalab.kinds import KINDS
from datalab.lab import LabDefinition
from datalab.lab_limits import MOST_EMBEDDINGS
from datalab.statistics.readiness import readiness
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.pages import draft as making
from datalab_dagster.portal.pages.draft import Draft, Problem, Requirement, Schema
from datalab_dagster.portal.pages.draft_form import with_form
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.texts import lab_name


class WizardPage(PageModel):
    """One step of creating a lab."""

    step: int
    steps: list[str]
    draft: Draft
    problems: list[Problem]
    requirements: list[Requirement]
    needs: list[tuple[str, bool]]
    schemas: list[Schema]
    definition: LabDefinition | None
    """At the last step: the definition to be created, if it has no errors."""
    readiness: list[TypeRow]
    files: list[tuple[str, str]]
    """At the last step: each dataset to provision, and its columns."""


def show(request: Request, visitor: Changer) -> Response:
    """The first step, with the usual choices."""
    return _step(request, Draft(), making.TYPES_STEP, [], visitor.email)


def submit(request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Handles one step's form: moves forward or back, changes rows of identifiers, or creates the lab."""
    step = _number(form.get("step"))
    draft = with_form(making.draft_from(str(form.get("draft", ""))), step, form)
    command = str(form.get("go", "next"))
    if command in ("add",) or command.startswith("remove-"):
        return _step(request, making.changed_rows(draft, command), step, [], visitor.email)
    if step == making.IDENTIFIERS_STEP:
        draft = making.without_blank(draft)
    if command.startswith("step-"):
        return _step(request, draft, min(step, _number(command.removeprefix("step-"))), [], visitor.email)
    problems = making.problems(draft, step)
    if problems:
        return _step(request, draft, step, problems, visitor.email, status=422)
    if step < making.REVIEW_STEP:
        draft = making.with_possible_schema(draft) if step == making.IDENTIFIERS_STEP else draft
        return _step(request, draft, step + 1, [], visitor.email)
    try:
        definition = making.definition(draft, visitor.email)
    except ConfigurationError as error:
        return _step(request, draft, step, [Problem(text=text) for text in error.mistakes], visitor.email, status=422)
    lab = service.create_lab(definition)
    record("lab.create", lab.id, name=lab.name)
    return go(request, f"/datalabs/{lab.id}", f"Created {lab_name(lab)}. Provision its datasets next.")


def _step(
    request: Request, draft: Draft, step: int, problems: list[Problem], publisher: str, *, status: int = 200
) -> Response:
    page = WizardPage(
        step=step,
        steps=list(making.STEPS),
        draft=draft,
        problems=problems,
        requirements=list(making.requirements()),
        needs=making.needs(draft),
        schemas=making.schemas(draft),
        **_review(draft, publisher if step == making.REVIEW_STEP else None),
    )
    return render(
        request, "wizard.html.j2", page, status=status, id_types=list(IdType), kinds=KINDS, most_columns=MOST_EMBEDDINGS
    )


def _review(draft: Draft, publisher: str | None) -> dict[str, Any]:
    """Return the review before the lab is created; empty at earlier steps."""
    if publisher is None:
        return {"definition": None, "readiness": [], "files": []}
    named = draft if draft.name else draft.model_copy(update={"name": "New lab"})
    try:
        lab = making.definition(named, publisher)
    except ConfigurationError:
        return {"definition": None, "readiness": [], "files": []}
    files = [(kind.value, KINDS[kind].columns_text(lab)) for kind in lab.datasets]
    return {"definition": lab, "readiness": readiness_rows(readiness(lab)), "files": files}


def _number(text: Any) -> int:
    """Return a step's number; any other text is the first step."""
    return int(text) if str(text) in {"1", "2", "3", "4"} else making.TYPES_STEP
