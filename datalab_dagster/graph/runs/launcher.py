"""Starts every run as a separate process on this machine, checks whether it still runs, and stops it.

This applies to runs that the daemon takes from the queue and to those that are started without a daemon.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping

import dagster as dg
import psutil

from datalab.home.forks import IS_POSSIBLE
from datalab.home.settings import Environment
from datalab.scratch import why
from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.graph.private import (
    CheckRunHealthResult,
    ConfigurableClassData,
    ConfiguredLauncher,
    LaunchRunContext,
    WorkerStatus,
)
from datalab_dagster.graph.runs.lost import launcher_tag, report_if_lost_with_retries
from datalab_dagster.graph.runs.processes import Forks, Process, Spares, start_process
from resources.process import DIED, interrupt, is_alive, name_of, process_of, process_tag

_LONG_SECONDS = 30.0
"""After this time, loading a spare process at the same time hardly slows the run down."""


class ProcessRunLauncher(ConfiguredLauncher):
    """A run launcher whose runs outlive their launching process; any process can watch and stop them.

    Attributes:
        environment: of the processes; by default that of this one.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self.environment: Mapping[str, str] = os.environ
        self._loaded = Forks() if IS_POSSIBLE else Spares()

    def prepare(self) -> None:
        """Prepare for the next run, if this process belongs to `datalab up`.

        Raises:
            OSError: the machine refuses.
        """
        if Environment.read(self.environment).up:
            self._loaded.provide(self.environment)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run.

        Raises:
            RunNotStarted: the machine refuses.
        """
        run_id = context.dagster_run.run_id
        try:
            process = self._loaded.hand_over(self.environment, run_id) or start_process(self.environment, run_id)
        except OSError as error:
            raise RunNotStarted(why(error)) from None
        threading.Thread(target=self._follow, args=(process, run_id), daemon=True).start()
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
            tags = process_tag(run_id, name_of(psutil.Process(process.pid))) | launcher_tag(run_id)
            self.instance.add_run_tags(run_id, tags)

    def _follow(self, process: Process, run_id: str) -> None:
        """Prepare for the next run when this one has ended or runs for long; collect the process, report its loss."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LONG_SECONDS)  # loading a spare meanwhile would slow it down
        with contextlib.suppress(OSError):
            self.prepare()
        process.wait()
        report_if_lost_with_retries(self.instance, run_id)

    def terminate(self, run_id: str) -> bool:
        """Interrupt the process of a run, which then ends as cancelled; return whether there was one."""
        run = self.instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self.instance.report_run_canceling(run)
        process = process_of(run)
        if process is None or not is_alive(process):
            self.instance.report_run_canceled(run, message="The process of the run had died.")
            return False
        return interrupt(process)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return the health of a run's process; one that is being started counts as running."""
        current = self.instance.get_run_by_id(run.run_id) or run
        process = process_of(current)
        if process is None or is_alive(process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, DIED)

    def join(self, timeout: int = 30) -> None:
        """Do not wait: runs outlive this process."""
