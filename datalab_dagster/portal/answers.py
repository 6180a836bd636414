"""Answers to errors: one JSON shape for the API, a page or the login for people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope

from datalab.errors import DatalabError, UnexpectedFailure, UsageError
from datalab_dagster.service.errors import NotPermitted
from datalab_dagster.service.http_errors import (
    AddressUnknown,
    ContentTypeWrong,
    DeploymentUnavailable,
    LoginNeeded,
    MethodRefused,
    RequestInvalid,
    TooManyRepairs,
    TooManyUploads,
    body_of,
    status_of,
)

ErrorPage = Callable[[Request, int, DatalabError], Response]
"""Shows an error to a person; `datalab_dagster.portal.pages.error_page`, if it exists."""

API = "/api/"
log = logging.getLogger("datalab.portal")


class ErrorFacts(BaseModel):
    code: str = Field(description="The name of the error, such as LabNotFound")
    message: str = Field(description="What happened, what is unharmed, what to do next")
    details: dict[str, Any] = Field(description="The facts of the error, in addition to its message")


class ErrorAnswer(BaseModel):
    """The answer to every request that fails."""

    error: ErrorFacts


def answered(error: DatalabError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the JSON answer to an error."""
    told = dict(headers or {})
    status = status_of(error)
    if status == 401:
        told.setdefault("WWW-Authenticate", 'Bearer realm="datalab"')
    if (seconds := getattr(error, "retry_after", None)) is not None:
        told.setdefault("Retry-After", str(seconds))
    return JSONResponse(body_of(error), status, told)


def register(app: FastAPI, page: ErrorPage | None) -> None:
    """Let `app` answer every error; `page` shows those of pages to people."""

    def answer(request: Request, error: DatalabError, headers: Mapping[str, str] | None = None) -> Response:
        if status_of(error) >= 500 and not isinstance(error, (TooManyUploads, TooManyRepairs)):
            log.error("%s %s: %s", request.method, route_of(request.scope), error)
            if getattr(request.state, "visitor", None) is None:  # its text may name hosts and directories
                error = DeploymentUnavailable()
                request.state.visitor = None  # the error page must not identify the visitor again
        if _is_for_people(request):
            if isinstance(error, LoginNeeded) and request.method == "GET":
                return RedirectResponse(f"/login?next={quote(_here(request), safe='')}", 303)
            if page is not None:
                return page(request, status_of(error), error)
        return answered(error, headers)

    async def of_datalab(request: Request, error: Exception) -> Response:
        assert isinstance(error, DatalabError)
        return answer(request, error)

    async def of_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, RequestInvalid(mistakes_in(error.errors())))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, _http_error(request, error), error.headers)

    app.add_exception_handler(DatalabError, of_datalab)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_http)


def unexpected(error: Exception, method: str) -> UnexpectedFailure:
    """Log an unexpected failure without its text, and return the error to show."""
    told = error if isinstance(error, UnexpectedFailure) else UnexpectedFailure(error)
    log.error("%s: %s", method, told)
    return told


def mistakes_in(errors: Sequence[Any]) -> list[str]:
    """Return a sentence per error, without the value that was sent, which may be a key or a password."""
    found = []
    for error in errors[:50]:
        place = ".".join(str(part) for part in error["loc"][1:]) or {"body": "The body"}.get(
            str(error["loc"][0]), "The request"
        )
        text = "it is not JSON" if error["type"] == "json_invalid" else str(error["msg"])
        found.append(f"{place[:200]}: {text[:300]}")
    return found


def _http_error(request: Request, error: HTTPException) -> DatalabError:
    if error.status_code == 404:
        return AddressUnknown()
    if error.status_code == 405:
        return MethodRefused(request.method)
    if error.status_code == 415:
        return ContentTypeWrong("application/json")
    if error.status_code in (401, 403):
        return NotPermitted("This is refused.")
    if error.status_code == 400:
        return RequestInvalid(["The body: it cannot be read"])
    return UsageError(f"The request was refused (status {error.status_code}). Nothing was changed.")


def route_of(scope: Scope) -> str:
    """Return the route of a request for the log, not its address: that may hold a name."""
    path = str(getattr(scope.get("route"), "path", "an unknown address"))
    inside = scope["path"].startswith(API) and not path.startswith(API)  # a route does not know the prefix of its mount
    return f"{API.rstrip('/')}{path}" if inside and path.startswith("/") else path


def _is_for_people(request: Request) -> bool:
    path = request.url.path
    if f"{path}/".startswith(API) or path.endswith(".json"):
        return False
    return "text/html" in request.headers.get("Accept", "")


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
