"""The pages of a list: which part of it is asked for, and the addresses of the other parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request

from datalab.formats import number
from datalab_dagster.service import MOST_PAGE_ENTRIES, ListQuery
from datalab_dagster.service.models import ServiceModel

MOST_PAGES = 10**9
Query = TypeVar("Query", bound=ListQuery)


class Paging(ServiceModel):
    """A part of a list, and how to get to the others."""

    page: int
    """From 1."""
    size: int
    """How many entries a page has."""
    total: int
    words: str
    """Which entries are shown, such as "1–20 of 214"."""
    previous: str | None
    """The address of the page before this one; None: this is the first."""
    following: str | None


class Sorting(ServiceModel):
    """By which column a list is sorted, and how to sort it by another one."""

    by: str
    """The name of the column; with a minus in front of it, the largest is first."""
    addresses: dict[str, str]
    """Column → the address of the list sorted by it; of the column that it is sorted by, the other way round."""


def query_in(request: Request, of: type[Query], *, page: str = "page", **filters: Any) -> Query:
    """Return the query of a list that the address asks for, as far as it can be; `page`: the name of its number."""
    size = asked(request, "size", of().count, MOST_PAGE_ENTRIES)
    return of.model_validate(
        {
            "text": request.query_params.get("q", "").strip()[:200],
            "sort": sorting(request, of.columns(), of().sort).by,
            "first": (asked(request, page, 1, MOST_PAGES) - 1) * size,
            "count": size,
            **filters,
        }
    )


def paging_of(request: Request, query: ListQuery, found: int, *, page: str = "page") -> Paging:
    """Return the paging of the list of which `query` asked for a page."""
    return paging(request, query.first // query.count + 1, query.count, found, name=page)


def sorting(request: Request, columns: Sequence[str], default: str = "-created") -> Sorting:
    """Return the sorting of a list that can be sorted by `columns`; the default for any other."""
    wanted = request.query_params.get("sort", "")
    by = wanted if wanted.removeprefix("-") in columns else default
    turned = by.removeprefix("-") if by.startswith("-") else f"-{by}"
    links = {name: turned if name == by.removeprefix("-") else name for name in columns}
    return Sorting(by=by, addresses={name: with_choices(request, sort=link, page="") for name, link in links.items()})


def asked(request: Request, name: str, default: int, most: int) -> int:
    """Return a number of the address; the default for what is no number, the nearest of 1 to `most` for others."""
    text = request.query_params.get(name, "")
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 16 else default


def paging(request: Request, page: int, size: int, total: int, *, name: str = "page") -> Paging:
    """Return the paging of a list of `total` entries; `name`: of the number of the page in the address."""
    first, last = (page - 1) * size + 1, min(page * size, total)
    shown = f"{number(first)}–{number(last)} of {number(total)}" if first <= last else f"0 of {number(total)}"
    pages = max(1, -(-total // size))
    return Paging(
        page=page,
        size=size,
        total=total,
        words=shown,
        previous=_address(request, min(page - 1, pages), name) if page > 1 else None,
        following=_address(request, page + 1, name) if page < pages else None,
    )


def _address(request: Request, page: int, name: str) -> str:
    """Return the address of another page of the list, with all other choices as they are."""
    return with_choices(request, **{name: str(page) if page > 1 else ""})


def with_choices(request: Request, **choices: str) -> str:
    """Return the address of this page with other choices; an empty one is left out."""
    asked = {**request.query_params, **choices}
    query = urlencode({name: value for name, value in asked.items() if value})
    return request.url.path.removesuffix(".json") + (f"?{query}" if query else "")
