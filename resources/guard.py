"""Keeps values of rows out of the event database: the error text of a library may quote one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from datalab.deployment.errors import DatasetNotValidated, LabLockLost, StoredFileDamaged, StoredFileMissing
from datalab.errors import DatalabError, UnexpectedFailure
from datalab.registry.errors import DatabaseUnreachable, RegistryBusy
from datalab.storage.errors import StoreUnreachable
from resources.lab_run import LabRun

AWAY = (DatabaseUnreachable, RegistryBusy)
"""Failures of the database, which pass; the run is tried again if it cannot wait for it."""
_RETRIES = ((AWAY, 10, 3), (StoreUnreachable, 5, 60))
"""How often, and after how many seconds, a step is retried if the database or the store was unreachable."""


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Pass the project's own errors, whose texts contain no value; reduce any other to its type and place."""
    try:
        yield
    except DatalabError:
        raise
    except Exception as error:  # noqa: BLE001 - only the type of the error may be passed on
        raise UnexpectedFailure(error) from None


@contextlib.contextmanager
def noting_failures(run: LabRun, step: str) -> Iterator[None]:
    """Do as `without_values`, and record in the run why the step fails.

    A step is retried while the database or the store is unreachable. A run that fails for a reason of its own is not
    tried again.
    """
    try:
        with without_values():
            yield
    except DatalabError as error:
        run.note_failure(step, str(error))
        if isinstance(error, (DatasetNotValidated, StoredFileDamaged, StoredFileMissing)) and error.kind:
            run.note_validated(error.kind, is_complete=False)  # the next run makes its files again
        if not isinstance(error, (*AWAY, LabLockLost)):
            run.give_up()
        for unreachable, retries, seconds in _RETRIES:
            if isinstance(error, unreachable):
                raise dg.RetryRequested(max_retries=retries, seconds_to_wait=seconds) from error
        raise
    except GeneratorExit:  # what the step yielded could not be stored; that is recorded where it failed
        raise
    except BaseException:
        run.interrupted = True
        raise


@contextlib.contextmanager
def guarded(run: LabRun, context: dg.AssetExecutionContext) -> Iterator[None]:
    """Do as `noting_failures` for the body of an asset; a run whose datasets were replaced starts no further one.

    Nor does a run that lost the lock of its lab: it is tried again, and waits for the lock.
    """
    step = context.op_execution_context.op.name
    with noting_failures(run, step):
        run.ensure_current(now=True)
        yield
        run.note_failure(step, None)
