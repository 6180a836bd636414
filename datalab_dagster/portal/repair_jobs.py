"""Repairs that pages started: each has a thread, and its progress and end are kept until the portal stops."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from datalab.errors import DatalabError
from datalab_dagster.portal.answers import unexpected
from datalab_dagster.portal.requests import repair_places
from datalab_dagster.service.repair_models import RepairInfo
from datalab_dagster.service.repairs_protocol import RowsProgress

_KEPT = 100
"""How many repairs are remembered, the newest ones; those that run are among them, as few run at once."""


@dataclass
class RepairJob:
    """One repair."""

    user: str
    dataset: str
    """The manifest hash of the original."""
    name: str = field(default_factory=secrets.token_urlsafe)
    records: int = 0
    """How many records were read."""
    read: int = 0
    """How many bytes of the original were read, of `size`."""
    size: int = 0
    made: RepairInfo | None = None
    error: DatalabError | None = None
    """Why nothing was stored."""
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def went_on(self, records: int, read: int, size: int) -> None:
        """Keep the progress; called for every block."""
        self.records, self.read, self.size = records, read, size


class RepairJobs:
    """The repairs of one portal."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, RepairJob] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, request: Request, user: str, dataset: str, work: Callable[[RowsProgress], RepairInfo]) -> RepairJob:
        """Start a repair in a place of its own.

        Args:
            request: of the portal.
            user: who may ask for it later.
            dataset: the manifest hash of the original.
            work: repairs it; called with what takes the progress.

        Raises:
            TooManyRepairs: all places are taken; nothing was started.
        """
        job = RepairJob(user, dataset)
        with contextlib.ExitStack() as held:
            held.enter_context(repair_places(request).one())
            place = held.pop_all()
            threading.Thread(target=_run, args=(job, work, place), name="repair", daemon=True).start()
        with self._lock:
            self._jobs[job.name] = job
            while len(self._jobs) > _KEPT:
                self._jobs.popitem(last=False)
        return job

    def find(self, name: str, user: str, dataset: str) -> RepairJob | None:
        """Return a repair of a dataset that this user started; None: it is not known, or no longer."""
        with self._lock:
            job = self._jobs.get(name)
        return job if job is not None and (job.user, job.dataset) == (user, dataset) else None


def repair_jobs(request: Request) -> RepairJobs:
    """Return the repairs of the portal that serves `request`."""
    jobs: RepairJobs = request.app.state.repair_jobs
    return jobs


def _run(job: RepairJob, work: Callable[[RowsProgress], RepairInfo], place: contextlib.ExitStack) -> None:
    try:
        with place:
            job.made = work(job.went_on)
    except DatalabError as error:
        job.error = error
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row, and the thread would print it
        job.error = unexpected(error, "POST")
    finally:
        job.ended.set()
