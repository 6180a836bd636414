"""Answers with the data of a view: as the page, or as its JSON twin under the same address with `.json`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Request, Response
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from datalab.dashboard.tables import shown_of
from datalab.formats import SIZE_UNITS, counted, listed, moment, number, share, size
from datalab.results import files as result_files
from datalab_dagster.portal.access import Visitor, maybe_visitor
from datalab_dagster.portal.pages import texts
from datalab_dagster.portal.pages.files import address
from datalab_dagster.portal.state import doorway_of
from datalab_dagster.service import Permission
from datalab_dagster.service.http_errors import ContentTypeWrong
from datalab_dagster.service.models import ServiceModel

if TYPE_CHECKING:
    from jinja2 import Environment

JSON_SUFFIX = ".json"
FLASH = "datalab_said"
"""The cookie that carries one sentence from an action to the next page."""


class PageModel(ServiceModel):
    """The content of a page; its JSON twin is exactly this."""


async def _fields(request: Request) -> FormData:
    # A multipart form may contain a file, which would be written to disk in plain text while it arrives.
    if request.headers.get("Content-Type", "").lower().startswith("multipart/"):
        raise ContentTypeWrong("application/x-www-form-urlencoded; upload a file to /api/datasets or /api/uploads")
    return await request.form()


Fields = Annotated[FormData, Depends(_fields)]
"""The fields of a submitted form."""


def render(request: Request, template: str, data: PageModel, *, status: int = 200, **extra: Any) -> Response:
    """Answer with the page, or with its JSON twin if that was requested.

    Args:
        data: the whole content of the page and of its twin.
        extra: further values for the HTML.
    """
    if request.url.path.endswith(JSON_SUFFIX):
        text = data.model_dump_json(by_alias=True)
        return Response(text, status, media_type="application/json")
    visitor = maybe_visitor(request)
    said = request.cookies.get(FLASH)
    page = environment().get_template(template)
    html = page.render(page=data, visitor=visitor, said=_said(said), csrf=_csrf_field(visitor), **extra)
    response = HTMLResponse(html, status)
    if said:
        response.delete_cookie(FLASH)
    return response


def go(request: Request, where: str, said: str = "") -> RedirectResponse:
    """Answer a form: redirect to `where`, which shows `said` once."""
    response = RedirectResponse(where, status_code=303)
    if said:
        secure = doorway_of(request).is_secure(request)
        response.set_cookie(FLASH, quote(said[:300]), max_age=60, httponly=True, samesite="lax", secure=secure)
    return response


def _said(cookie: str | None) -> str:
    return unquote(cookie)[:500] if cookie else ""


def _csrf_field(visitor: Visitor | None) -> Callable[[], Markup]:
    """Return the hidden field of every form."""
    token = (visitor.csrf_token if visitor else None) or ""
    return lambda: Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def may(visitor: Visitor | None, permission: str) -> bool:
    """Return whether a visitor has `permission`; for showing or hiding parts of a page."""
    return visitor is not None and visitor.may(Permission(permission))


@cache
def environment() -> Environment:
    """Return the templates with their words and formats."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader("datalab_dagster.portal"), PackageLoader("datalab.dashboard")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        counted=counted,
        listed=listed,
        number=number,
        share=share,
        moment=moment,
        size=size,
        dataset=texts.dataset_title,
        lab_name=texts.lab_name,
        type_name=texts.type_name,
        short=lambda manifest_hash: manifest_hash[:12],
    )
    found.globals.update(
        may=may,
        static=address,
        shown_of=shown_of,
        result_files=result_files,
        took=texts.took,
        size_units=SIZE_UNITS,
        run_words=texts.RUN_WORDS,
        action_words=texts.ACTION_WORDS,
        state_titles=texts.STATE_TITLES,
        step_words=texts.step_words,
        step_state_words=texts.STEP_STATE_WORDS,
    )
    return found
