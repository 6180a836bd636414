"""Lists in pages: the options that the page and the API of a list have too, and which part is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from datalab.formats import counted, number
from datalab_dagster.cli.listing import line
from datalab_dagster.service import MOST_PAGE_ENTRIES, PAGE_ENTRIES, ListQuery

Command = TypeVar("Command", bound=Callable[..., Any])
Query = TypeVar("Query", bound=ListQuery)
_MOST_PAGES = 10**9


def list_options(of: type[ListQuery]) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--text``, ``--sort``, ``--page`` and ``--size`` of a list to a command."""
    columns = of.columns()
    options = (
        click.option("--text", default="", metavar="TEXT", help="Only entries with this text."),
        click.option(
            "--sort",
            type=click.Choice([*columns, *(f"-{name}" for name in columns)]),
            default=of().sort,
            show_default=True,
            metavar="COLUMN",
            help=f"Sort by {', '.join(columns[:-1])} or {columns[-1]}; with a minus, the largest or newest first.",
        ),
        click.option("--page", type=click.IntRange(1, _MOST_PAGES), help="The number of the page; default: 1."),
        click.option(
            "--size",
            type=click.IntRange(1, MOST_PAGE_ENTRIES),
            help=f"Entries of a page, up to {MOST_PAGE_ENTRIES}; default: {PAGE_ENTRIES}.",
        ),
    )

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def query_of(of: type[Query], *, text: str, sort: str, page: int | None, size: int | None, **filters: Any) -> Query:
    """Return the query of a page of a list."""
    count = size or PAGE_ENTRIES
    return of.model_validate(
        {"text": text.strip(), "sort": sort, "first": ((page or 1) - 1) * count, "count": count, **filters}
    )


def every_page(query: Query, read: Callable[[Query], tuple[list[Any], int]]) -> list[Any]:
    """Return the entries of all pages of a list.

    Args:
        query: which entries, and in which order.
        read: returns the entries of a page, and how many there are on all pages.
    """
    entries: list[Any] = []
    while True:
        found, total = read(query.model_copy(update={"first": len(entries), "count": MOST_PAGE_ENTRIES}))
        entries += found
        if not found or len(entries) >= total:
            return entries


def print_part(query: ListQuery, shown: int, found: int, total: int, what: str) -> None:
    """Print which entries are shown, unless these are all, and how to see the next ones.

    Args:
        query: which page was wanted.
        shown: how many of its entries there are.
        found: how many entries there are on all pages.
        total: how many there are without any filter.
        what: the name of one entry.
    """
    if shown == total:
        return
    filtered = f" (of {number(total)} in all)" if found < total else ""
    if not shown:
        line(f"No {what} is shown: {counted(found, what)} found{filtered}.")
        return
    last = query.first + shown
    following = f" Next: --page {query.first // query.count + 2}." if last < found else ""
    line(f"{number(query.first + 1)}–{number(last)} of {counted(found, what)}{filtered}.{following}")
