"""Watching a lab on the terminal until a run ends or a lab is settled; looks again and again, changes nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from datalab_dagster.cli.exits import Stopped
from datalab_dagster.cli.listing import short
from datalab_dagster.service import LabInfo, LabService, LabState, RegistryError, RunInfo, ServiceUnreachable

Answer = TypeVar("Answer")

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
"""So long a deployment may be out of reach, as it is while its database is started again."""
_ENDED = {"SUCCESS": "done", "FAILED": "failed", "SKIPPED": "skipped"}


def follow_run(service: LabService, run_id: str, *, quiet: bool = False) -> RunInfo:
    """Show the steps of a run on standard error until it has ended, and return it.

    Raises:
        Stopped: Ctrl-C; the run goes on.
    """
    try:
        with ExitStack() as stack:
            shown = stack.enter_context(_Steps(quiet=quiet))
            for run in _looks(lambda: service.run(run_id)):
                shown.show(run)
                if run.is_complete:
                    return run
        raise AssertionError("looks never end")
    except KeyboardInterrupt:
        raise Stopped("Interrupted: the validation goes on.") from None


def follow_lab(
    service: LabService, lab: str, changed: Callable[[LabInfo, RunInfo | None], None], *, quiet: bool = False
) -> tuple[LabInfo, RunInfo | None]:
    """Call `changed` with the lab and its newest run when one is in another state, until the lab is settled.

    Settled: Ready or Failed, and no run goes on. The steps of runs are shown on standard error, unless `quiet`.

    Raises:
        Stopped: Ctrl-C; whatever happens goes on.
    """
    last: object = None
    earlier: str | None = None
    try:
        with _Steps(quiet=quiet) as shown:
            for found, run in _looks(lambda: lab_and_run(service, lab)):
                if last is None and run is not None and run.is_complete:
                    earlier = run.run_id  # nobody was there to watch it
                now = (found.state, run and (run.run_id, run.state))
                if now != last:
                    changed(found, run)
                    last = now
                if run is not None and run.run_id != earlier:
                    shown.show(run)
                if is_settled(found, run):
                    return found, run
        raise AssertionError("looks never end")
    except KeyboardInterrupt:
        raise Stopped("Stopped watching; whatever happens goes on.") from None


def lab_and_run(service: LabService, lab: str) -> tuple[LabInfo, RunInfo | None]:
    """Return a lab and its newest run with its steps, as they stood at one moment."""
    found = service.lab(lab)
    runs = service.runs(found.id)
    if not runs:
        return found, None
    run = service.run(runs[0].run_id)
    if run.is_complete and found.state.state is LabState.VALIDATING:  # it has ended in between
        found = service.lab(found.id)
    return found, run


def is_settled(lab: LabInfo, run: RunInfo | None) -> bool:
    """Whether there is a verdict on what is provisioned, and nothing goes on."""
    return lab.state.state in (LabState.READY, LabState.FAILED) and (run is None or run.is_complete)


def _looks(ask: Callable[[], Answer]) -> Iterator[Answer]:
    """Yield answers for ever; a deployment that is out of reach is given some time."""
    since: float | None = None
    while True:
        try:
            answer = ask()
        except (RegistryError, ServiceUnreachable):
            since = since or time.monotonic()
            if time.monotonic() - since > _PATIENCE_SECONDS:
                raise
        else:
            since = None
            yield answer
        time.sleep(_LOOK_SECONDS)


class _Steps:
    """The steps of one run: a bar on a terminal, else a line per step that ended."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet
        self._told: set[tuple[str, str]] = set()
        self._bar: Progress | None = None
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.completed:.0f} of {task.total:.0f} steps"),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("waiting", total=1)

    def __enter__(self) -> _Steps:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        sys.stderr.flush()

    def show(self, run: RunInfo) -> None:
        ended = [step for step in run.steps if step.state in _ENDED]
        if self._bar is not None:
            busy = [step.name for step in run.steps if step.state == "RUNNING"]
            text = f"{short(run.run_id)}  {busy[0] if busy else 'waiting'}"
            self._bar.update(self._task, description=text, completed=len(ended), total=max(len(run.steps), 1))
        elif not self._quiet:
            for step in ended:
                if (run.run_id, step.name) not in self._told:
                    self._told.add((run.run_id, step.name))
                    seconds = f" in {step.seconds:.1f} s" if step.seconds is not None else ""
                    self._console.print(f"{step.name} {_ENDED[step.state]}{seconds}", highlight=False, markup=False)
