"""Keeps values of rows out of the event database: what a library says of a failure may quote one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from datalab.errors import DatalabError, UnexpectedFailure
from datalab.registry.errors import DatabaseUnreachable, RegistryBusy
from resources import LabRun

_RETRIES, _SECONDS = 10, 3
"""How often, and after how long, a step is tried again when the database was away."""


@contextlib.contextmanager
def told_safely() -> Iterator[None]:
    """Let the project's own errors pass, whose texts hold no value; of any other tell only kind and place."""
    try:
        yield
    except DatalabError:
        raise
    except Exception as error:  # noqa: BLE001 - the text must not get further, the kind does
        raise UnexpectedFailure(error) from None


@contextlib.contextmanager
def guarded(run: LabRun, context: dg.AssetExecutionContext) -> Iterator[None]:
    """As `told_safely`, for a step of a lab's run: why it fails is noted in the run.

    A run whose datasets were replaced does not begin another step. A database that cannot be reached is waited for.
    """
    step = context.op_execution_context.op.name
    try:
        with told_safely():
            run.ensure_current(now=True)
            yield
        run.note_failure(step, None)
    except DatalabError as error:
        run.note_failure(step, str(error))
        if isinstance(error, (DatabaseUnreachable, RegistryBusy)):
            raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_SECONDS) from error
        raise
    except BaseException:
        run.interrupted = True
        raise
