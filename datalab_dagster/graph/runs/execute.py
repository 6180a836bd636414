"""`python -m datalab_dagster.graph.runs.execute RUN_ID`: executes a run that was created, in this process.

Instead of an id, `--wait` loads everything first and then reads the id of one run from standard input: a spare process.
`--begin` reads a request from standard input and creates the run first. If the daemon of another host takes runs, it is
queued: that host has the memory and the launcher for it.
"""

from __future__ import annotations

import contextlib
import json
import select
import signal
import sys
import traceback
from typing import Any

import dagster as dg

from datalab.deployment import Deployment
from datalab.errors import DatalabError
from datalab.home.private import keep_private
from datalab.kinds import DatasetKind
from datalab_dagster.graph import private
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs.processes import BEGIN, QUEUED, WAIT, RunRequest
from datalab_dagster.graph.runs.queued import daemon_takes_runs
from datalab_dagster.graph.runs.start import create_run
from datalab_dagster.graph.runs.warm_up import warm_up
from resources.run import mark_process


def main(argument: str) -> int:
    """Execute the run. The instance has its outcome; the exit code only says whether the run was found, or queued."""
    with open_instance() as instance:
        run_id = _handed_over() if argument == WAIT else argument
        if argument == BEGIN:
            run_id = _made(instance, RunRequest(**json.loads(sys.stdin.readline())))
            if daemon_takes_runs(instance):
                no_workspace: Any = None  # the queue needs none
                instance.submit_run(run_id, no_workspace)
                return QUEUED
            mark_process(instance, run_id)
        return _execute(instance, run_id)


def _handed_over() -> str:
    """Load what every run needs, wait for the id of a run and return it; without one, end the process."""
    private.job_in(CODE_LOCATION, VALIDATE).get_definition()
    if not select.select([sys.stdin], [], [], 0)[0]:
        try:
            warm_up()
        except (OSError, DatalabError, dg.DagsterError):  # a full disk, say: only speed depends on it
            with contextlib.suppress(OSError):  # the disk of the log is full, too
                traceback.print_exc()
    run_id = sys.stdin.readline().strip()
    if not run_id:
        sys.exit(0)
    return run_id


def _made(instance: dg.DagsterInstance, request: RunRequest) -> str:
    """Create the run of a request."""
    changed = [DatasetKind(kind) for kind in request.changed]
    with Deployment.open() as deployment:
        run = deployment.registry.runs.get(request.run_id)
        lab = deployment.registry.labs.get(run.lab_id)
        create_run(deployment, instance, lab, run, changed=changed, by=request.by)
    return request.run_id


def _execute(instance: dg.DagsterInstance, run_id: str) -> int:
    run = instance.get_run_by_id(run_id)
    if run is None:
        sys.stderr.write(f"There is no run {run_id}.\n")
        return 1
    private.execute(private.job_in(CODE_LOCATION, run.job_name), run, instance)
    return 0


if __name__ == "__main__":
    keep_private()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background process ignores it
    sys.exit(main(sys.argv[1]))
