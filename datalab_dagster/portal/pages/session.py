"""The pages to sign in and out; `datalab_dagster.portal.login` does both."""

from __future__ import annotations

from fastapi import Request, Response

from datalab_dagster.portal import login
from datalab_dagster.portal.access import Guest, maybe_visitor
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.state import doorway_of
from datalab_dagster.service import LoginRefused, TooManyLogins
from datalab_dagster.service.http_errors import SecretRefused, status_of


class LoginPage(PageModel):
    """Asks for e-mail address and password, or for the token of this start while there are no users."""

    next: str
    email: str = ""
    problem: str = ""
    signed_in_as: str = ""
    asks_token: bool = False


def show(request: Request) -> Response:
    """The form, or a note for visitors who are signed in already."""
    visitor = maybe_visitor(request)
    page = LoginPage(
        next=login.safe_next(request.query_params.get("next")),
        signed_in_as=visitor.email if visitor else "",
        asks_token=doorway_of(request).has_owner(),
    )
    return render(request, "login.html.j2", page)


def submit(request: Request, form: Fields) -> Response:
    """Starts a session, or shows why it is refused."""
    target = login.safe_next(str(form.get("next", "/")))
    email = str(form.get("email", "")).strip()[:300]
    response = go(request, target)
    try:
        if "token" in form:
            login.sign_in_owner(request, response, str(form["token"]))
        else:
            login.sign_in(request, response, email, str(form.get("password", "")))
    except (LoginRefused, TooManyLogins, SecretRefused) as error:
        asks = doorway_of(request).has_owner()
        page = LoginPage(next=target, email=email, problem=str(error), asks_token=asks)
        refused = render(request, "login.html.j2", page, status=status_of(error))
        if isinstance(error, TooManyLogins):
            refused.headers["Retry-After"] = str(error.retry_after)
        return refused
    return response


def end_form(request: Request, visitor: Guest) -> Response:
    """Asks whether to sign out, for visitors who follow a link."""
    return render(request, "logout.html.j2", LoginPage(next="/", signed_in_as=visitor.email))


def end(request: Request, visitor: Guest) -> Response:
    """Ends the session."""
    del visitor
    response = go(request, "/login", "You are signed out.")
    login.sign_out(request, response)
    return response
