"""The pages to log in and out; who may is decided elsewhere."""

from __future__ import annotations

from fastapi import Request, Response

from datalab_dagster.portal import login
from datalab_dagster.portal.access import Guest, maybe_visitor
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.service import LoginRefused, TooManyLogins
from datalab_dagster.service.http_errors import status_of


class LoginPage(PageModel):
    """Asks for e-mail address and password."""

    next: str
    email: str = ""
    problem: str = ""
    signed_in_as: str = ""


def show(request: Request) -> Response:
    """The form; who is signed in already is told so."""
    visitor = maybe_visitor(request)
    page = LoginPage(
        next=login.safe_next(request.query_params.get("next")), signed_in_as=visitor.email if visitor else ""
    )
    return render(request, "login.html.j2", page)


def submit(request: Request, form: Fields) -> Response:
    """Begins a session, or says why not."""
    target = login.safe_next(str(form.get("next", "/")))
    email = str(form.get("email", "")).strip()[:300]
    response = go(request, target)
    try:
        login.sign_in(request, response, email, str(form.get("password", "")))
    except (LoginRefused, TooManyLogins) as error:
        page = LoginPage(next=target, email=email, problem=str(error))
        refused = render(request, "login.html.j2", page, status=status_of(error))
        if isinstance(error, TooManyLogins):
            refused.headers["Retry-After"] = str(error.retry_after)
        return refused
    return response


def end_form(request: Request, visitor: Guest) -> Response:
    """Asks whether to sign out, for who follows a link."""
    return render(request, "logout.html.j2", LoginPage(next="/", signed_in_as=visitor.email))


def end(request: Request, visitor: Guest) -> Response:
    """Ends the session."""
    del visitor
    response = go(request, "/login", "You are signed out.")
    login.sign_out(request, response)
    return response
