"""Polls a lab and shows its progress on the terminal until a run ends or the lab is settled; changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from datalab.formats import duration
from datalab_dagster.cli.exits import Stopped
from datalab_dagster.cli.listing import short
from datalab_dagster.service import LabInfo, LabService, LabState, RegistryError, RunInfo, ServiceUnreachable
from datalab_dagster.terminal.safe_console import SafeConsole
from datalab_dagster.terminal.waiting import Unreachable, wait

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.5
_ENDED = {"SUCCESS": "done", "FAILED": "failed", "SKIPPED": "skipped"}


def follow_run(service: LabService, run_id: str, *, quiet: bool = False) -> RunInfo:
    """Show the steps of a run on standard error until it has ended, and return it.

    Raises:
        Stopped: Ctrl-C; the run continues.
    """
    try:
        with _Steps(quiet=quiet) as shown:

            def seen(run: RunInfo) -> bool:
                shown.show(run)
                return run.is_complete

            return _watch(lambda: service.run(run_id), seen)
    except KeyboardInterrupt:
        raise Stopped("Interrupted: the validation is still running.") from None


def follow_lab(
    service: LabService, lab: str, changed: Callable[[LabInfo, RunInfo | None], None], *, quiet: bool = False
) -> tuple[LabInfo, RunInfo | None]:
    """Call `changed` with the lab and its newest run when one is in another state, until the lab is settled.

    Settled: Ready or Failed, and no run is active. The steps of runs are shown on standard error, unless `quiet`.

    Raises:
        Stopped: Ctrl-C; running validations continue.
    """
    last: object = None
    earlier: str | None = None

    def seen(now: tuple[LabInfo, RunInfo | None]) -> bool:
        nonlocal last, earlier
        found, run = now
        if last is None and run is not None and run.is_complete:
            earlier = run.run_id  # it ended before this command started
        state = (found.state, run and (run.run_id, run.state))
        if state != last:
            changed(found, run)
            last = state
        if run is not None and run.run_id != earlier:
            shown.show(run)
        return is_settled(found, run)

    try:
        with _Steps(quiet=quiet) as shown:
            return _watch(lambda: lab_and_run(service, lab), seen)
    except KeyboardInterrupt:
        raise Stopped("Stopped watching; running validations continue.") from None


def lab_and_run(service: LabService, lab: str) -> tuple[LabInfo, RunInfo | None]:
    """Return a lab and its newest run with its steps, at one moment."""
    found = service.lab(lab)
    runs = service.runs(found.id)
    if not runs:
        return found, None
    run = service.run(runs[0].run_id)
    if run.is_complete and found.state.state is LabState.VALIDATING:  # it has ended in between
        found = service.lab(found.id)
    return found, run


def is_settled(lab: LabInfo, run: RunInfo | None) -> bool:
    """Return whether the datasets provisioned now have a verdict, and no run is active."""
    return lab.state.state in (LabState.READY, LabState.FAILED) and (run is None or run.is_complete)


def _watch(ask: Callable[[], Answer], seen: Callable[[Answer], bool]) -> Answer:
    """Pass every answer to `seen` until it returns True, and return the last answer."""
    answer: Answer

    def done() -> bool:
        nonlocal answer
        answer = ask()
        return seen(answer)

    try:
        wait(done, interval=_POLL_SECONDS, lost=(RegistryError, ServiceUnreachable))
    except Unreachable as lost:
        raise lost.error from None
    return answer


class _Steps:
    """The steps of one run: a bar on a terminal, else a line per step that ended."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = SafeConsole(stderr=True)
        self._quiet = quiet
        self._printed: set[tuple[str, str]] = set()
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
                if (run.run_id, step.name) not in self._printed:
                    self._printed.add((run.run_id, step.name))
                    seconds = f" in {duration(step.seconds)}" if step.seconds is not None else ""
                    self._console.print(f"{step.name} {_ENDED[step.state]}{seconds}", highlight=False, markup=False)
