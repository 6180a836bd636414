"""The progress of an upload or a run as a bar on the terminal; prints nothing without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from datalab_dagster.service.models import RunInfo

Shown = Callable[[RunInfo | None], None]
_OVER = frozenset({"SUCCESS", "FAILED", "SKIPPED"})


def on_terminal() -> bool:
    """Return whether standard error is a terminal, which can show a bar."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def upload_bar(name: str, size: int | None, *, shown: bool) -> Iterator[Callable[[int], None] | None]:
    """Yield a callback for the bytes of every stored chunk; None if nothing is to be shown."""
    if not shown:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from datalab_dagster.terminal.safe_console import SafeConsole

    columns = (
        TextColumn("{task.description:<16}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=SafeConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(f"upload {name}", total=size)
        yield lambda count: bar.update(task, advance=count)


@contextmanager
def wait_bar(*, shown: bool) -> Iterator[Shown]:
    """Yield a callback for a run, to call after each poll."""
    if not shown:
        yield lambda run: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from datalab_dagster.terminal.safe_console import SafeConsole

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=SafeConsole(stderr=True), transient=True) as bar:
        task = bar.add_task("validation", total=None, step="")

        def show(run: RunInfo | None) -> None:
            if run is not None and run.steps:
                done = sum(step.state in _OVER for step in run.steps)
                now = next((step.name for step in run.steps if step.state == "RUNNING"), "")
                bar.update(task, total=len(run.steps), completed=done, step=now)

        yield show
