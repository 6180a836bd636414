"""Does work in a fork of this process, so that what the work loads does not stay in this one.

`up` lives as long as the deployment, and needs neither registry nor SQLAlchemy after its start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
from collections.abc import Callable
from typing import Any, TypeVar

from datalab.errors import DatalabError, UnexpectedFailure
from datalab.home.forks import IS_POSSIBLE

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1


def apart(work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises; to be called while this process has one thread.

    Its result can be pickled. On systems other than Linux, this process does the work itself.
    """
    if not IS_POSSIBLE:
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as answers:
            answer = answers.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.waitpid(child, 0)
    if not answer:
        raise UnexpectedFailure(ChildProcessError())
    result, failure = pickle.loads(answer)
    if failure is not None:
        raise _made(*failure)
    returned: T = result
    return returned


def _answer(work: Callable[[], Any], writing: int) -> None:
    """Do the work, write what came of it, and end this process, which is the fork; it ends with its parent, too."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(BaseException), os.fdopen(writing, "wb") as answers:
        outcome: tuple[Any, Any]
        try:
            outcome = (work(), None)
        except (DatalabError, KeyboardInterrupt) as error:
            outcome = (None, _parts(error))
        except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
            outcome = (None, _parts(UnexpectedFailure(error)))
        answers.write(pickle.dumps(outcome))
    os._exit(0)


def _parts(error: BaseException) -> tuple[type[BaseException], tuple[Any, ...], dict[str, Any]]:
    return type(error), error.args, vars(error)


def _made(kind: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """Return an error with its text; its class would compose the text from other arguments."""
    error = kind.__new__(kind, *arguments)
    vars(error).update(state)
    return error
