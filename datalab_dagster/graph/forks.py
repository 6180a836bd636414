"""The fork server of `datalab up`: loads everything once and runs a lab once; every process of `up` is a fork of it.

python -m datalab_dagster.graph.forks FD SOCKET MODULE…

FD is the reading end of a pipe whose other end `up` holds: the server ends when it is closed. SOCKET is where it
listens, the modules are loaded before the first fork. It has no connection, and only threads of Arrow, which makes new
ones in a fork: those of OpenBLAS and of Arrow's allocator are switched off before they are loaded. So a fork may do
anything. `datalab.home.forks` asks it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import errno
import gc
import importlib
import json
import logging
import os
import runpy
import select
import socket
import sys
import traceback
from pathlib import Path

from datalab.home.forks import GO, MOST_DESCRIPTORS, ForkRequest
from datalab.home.private import keep_private

_log = logging.getLogger(__name__)
_QUIET_SECONDS = 3.0
"""The server runs its lab after so many seconds without a request: `up` answers earlier."""
_CLIENT_SECONDS = 5.0
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_PR_SET_NAME = 15


def main(parent: int, path: Path, modules: list[str]) -> None:
    """Load, and serve; in a fork, run what was asked for."""
    atexit.register(_drop_reports_of_leaks, os.getpid())
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        os.environ.update(_ONE_THREAD)
        for module in modules:
            importlib.import_module(module)
        _freeze()
        asked = _serve(listener, parent)
    if asked is not None:
        os.close(parent)
        _become(*asked)


Asked = tuple[ForkRequest, list[int], socket.socket]


def _serve(listener: socket.socket, parent: int) -> Asked | None:
    """Answer requests until `up` has ended; in a fork, return what it was made for."""
    waiting = select.poll()
    for one in (listener.fileno(), parent):
        waiting.register(one, select.POLLIN)
    has_run = False
    while True:
        ready = waiting.poll(None if has_run else _QUIET_SECONDS * 1_000)
        if any(one == parent for one, _ in ready):
            return None
        if not ready:
            has_run = True
            _run_once()
        elif (asked := _answer(listener)) is not None:
            return asked


def _run_once() -> None:
    import dagster as dg

    from datalab.errors import DatalabError
    from datalab_dagster.graph.runs.warm_up import warm_up

    try:
        warm_up()
    except (OSError, DatalabError, dg.DagsterError):  # a full disk, say: only speed depends on it
        with contextlib.suppress(OSError):  # the disk of the log is full, too
            traceback.print_exc()
    _freeze()


def _freeze() -> None:
    """Keep what is loaded out of later collections, which would write to memory that all forks share."""
    gc.collect()
    gc.freeze()


def _drop_reports_of_leaks(server: int) -> None:
    """Let a fork end without a word, after all its other exit handlers: what is frozen looks like a leak to DuckDB."""
    if os.getpid() != server:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _answer(listener: socket.socket) -> Asked | None:
    """Make the process that a client asks for; return what it was made for in that process, None in the server."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(listener.accept()[0])
        client.settimeout(_CLIENT_SECONDS)
        try:
            _, descriptors, _, _ = socket.recv_fds(client, 1, MOST_DESCRIPTORS)
            for descriptor in descriptors:
                stack.callback(os.close, descriptor)
            with client.makefile("rb") as lines:
                line = lines.readline()
            if not line:  # a client that asks only whether the server answers
                return None
            request = ForkRequest(**json.loads(line))
            if _fork_twice():
                stack.pop_all()
                return request, descriptors, client
        except (ValueError, TypeError):
            _log.warning("A request for a process was not understood.")
        except OSError as error:
            with contextlib.suppress(OSError):
                client.sendall(json.dumps({"errno": error.errno or errno.EIO}).encode() + b"\n")
    return None


def _fork_twice() -> bool:
    """Return whether this is the new process. Its parent has ended, so it is adopted: by `up`, or else by init.

    Raises:
        OSError: the machine refuses.
    """
    between = os.fork()
    if between:
        refused = os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])
        if refused:
            number = refused if refused > 0 else errno.EAGAIN
            raise OSError(number, os.strerror(number))
        return False
    try:
        made = os.fork()
    except OSError as error:
        os._exit(error.errno or errno.EAGAIN)
    if made:
        os._exit(0)
    return True


def _become(request: ForkRequest, descriptors: list[int], client: socket.socket) -> None:
    """Run the module of a request in this process, which is a fork; end if who asked is gone."""
    import numpy as np

    os.setsid()
    client.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    if client.recv(len(GO)) != GO:
        os._exit(1)
    client.close()
    null = os.open(os.devnull, os.O_RDONLY)
    output, errors, *further = descriptors
    for source, target in ((null, 0), (output, 1), (errors, 2)):
        os.dup2(source, target)
        os.close(source)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, request.title.encode(), 0, 0, 0)
    np.random.seed()  # the old generator, which libraries may use, is a copy of the server's
    sys.argv = [request.module, *map(str, further), *request.arguments]
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    keep_private()
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
