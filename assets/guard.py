"""Keeps values of rows out of the event database: what a library says of a failure may quote one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from datalab.errors import DatalabError, UnexpectedFailure


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Let the project's own errors pass, whose texts hold no value; of any other tell only kind and place."""
    try:
        yield
    except DatalabError:
        raise
    except Exception as error:  # noqa: BLE001 - the text must not get further, the kind does
        raise UnexpectedFailure(error) from None
