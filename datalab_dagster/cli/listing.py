"""Printing on the terminal and as JSON: tables, times, hashes, findings. This module only prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datalab.dashboard.sentences import sentence
from datalab.statistics.cause import Cause, Severity
from datalab_dagster.service import LabState
from datalab_dagster.terminal.safe_console import SafeConsole
from datalab_dagster.terminal.text import echo

_SHORT = 12
_WHOLE = frozenset({"lab"})
"""Columns of ids that people copy: never folded over two lines, however narrow the terminal is."""
_COLOURS = {
    LabState.READY: "green",
    LabState.FAILED: "red",
    LabState.VALIDATING: "cyan",
    LabState.STALE: "yellow",
    LabState.INCOMPLETE: "yellow",
}


def console_for_text() -> Console:
    """Return a console that does not fold lines at 80 characters where there is no terminal."""
    console = SafeConsole()
    return console if console.is_terminal else SafeConsole(width=160)


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = (), markup: Sequence[str] = ()
) -> None:
    """Print a table.

    Args:
        header: names of the columns.
        rows: their cells.
        numbers: columns that are aligned to the right.
        markup: columns whose cells contain rich's markup; all others are printed unchanged.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold", no_wrap=name in _WHOLE)
    for row in rows:
        cells = zip(header, row, strict=True)
        table.add_row(*(cell if name in markup else escape(cell) for name, cell in cells))
    console_for_text().print(table)


def print_json(value: BaseModel | Sequence[BaseModel] | dict[str, Any]) -> None:
    """Print one model, several, or plain data, with the keys of the API."""
    data: Any = value
    if isinstance(value, BaseModel):
        data = value.model_dump(mode="json", by_alias=True)
    elif isinstance(value, Sequence):
        data = [model.model_dump(mode="json", by_alias=True) for model in value]
    echo(json.dumps(data, indent=2, ensure_ascii=False))


def line(text: str) -> None:
    """Print a line unchanged."""
    echo(text)


def when(moment: datetime) -> str:
    """Return a time on this machine's clock, such as ``2026-11-22 17:05``."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def short(text: str) -> str:
    """Return the beginning of a manifest hash or a run's id, which commands accept instead of the whole.

    >>> short("6b4a5e0c9d1f" + 52 * "0")
    '6b4a5e0c9d1f'
    """
    return text[:_SHORT]


def coloured(state: LabState, title: str) -> str:
    """Return the title of a lab's state with the colour of the state, as markup."""
    colour = _COLOURS.get(state)
    return f"[{colour}]{title}[/]" if colour else title


def print_causes(console: Console, causes: Iterable[Cause]) -> None:
    """Print the causes of a lab's state, if any, under one heading, each with what follows from it below it."""
    found = list(causes)
    if found:
        console.print("\nFindings")
    for cause in found:
        print_finding = _finding_text if cause.finding else sentence
        console.print(f"  {_LABELS[cause.severity]} {escape(print_finding(cause))}", soft_wrap=True, highlight=False)
        for below in cause.follows:
            joint = "" if cause.finding is None else "follows: "
            console.print(f"    {joint}{escape(_finding_text(below))}", soft_wrap=True, highlight=False)


def _finding_text(cause: Cause) -> str:
    """Return the code and the text of a finding."""
    if cause.finding is None:
        return f"{cause.code}: {sentence(cause)}"
    rest = cause.finding.message.removeprefix(f"{cause.subject}: ")
    if rest == cause.finding.message:
        return f"{cause.subject}: {cause.code}: {rest}"
    return f"{cause.code}: {sentence(cause)}"


_LABELS = {
    Severity.ERROR: "[red]error[/]",
    Severity.WARNING: "[yellow]warning[/]",
    Severity.CHANGE: "[yellow]drop[/]",
}
"""Labels of findings, as markup."""
