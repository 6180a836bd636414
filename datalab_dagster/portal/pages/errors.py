"""Shows an error to a person: what happened, what is unharmed, what to do next."""

from __future__ import annotations

import re

from fastapi import Request, Response

from datalab.errors import DatalabError
from datalab_dagster.portal.pages.page import PageModel, render

_TITLES = {
    401: "Please sign in",
    403: "This is not for your role",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "That does not fit any more",
    413: "That is too large",
    422: "The request has errors",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "The deployment does not answer",
}
_TITLES_BY_CODE = {"RequestForged": "This page is no longer valid", "LoginRefused": "Please sign in"}
"""Titles of errors that their status does not describe well."""
_WORDS = {
    "AddressUnknown": "There is no page at this address. The address may be incomplete, or its content was deleted.",
    "MethodRefused": "This address does not accept this request. Nothing was changed.",
}
"""Texts for errors whose own messages are for programs."""
_COMMANDS = re.compile(r"\s*`datalab [^`]*`[^.;]*[.;]?|\s*\(`datalab [^`]*`\)")


class ErrorPage(PageModel):
    """An error on a page."""

    status: int
    title: str
    message: str
    code: str


def error_page(request: Request, status: int, error: DatalabError) -> Response:
    """Return the page about an error; without a login it shows only the message."""
    title = _TITLES_BY_CODE.get(type(error).__name__) or _TITLES.get(
        status, "The request was refused" if status < 500 else _TITLES[500]
    )
    code = type(error).__name__
    page = ErrorPage(status=status, title=title, message=_WORDS.get(code) or _for_pages(str(error)), code=code)
    return render(request, "error.html.j2", page, status=status)


def _for_pages(message: str) -> str:
    """Return the message without sentences that only name commands, which help in a terminal."""
    return _COMMANDS.sub("", message).strip()
