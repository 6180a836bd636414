"""Asks the fork server of `datalab up` for a process that runs a module: a copy of the server, with everything loaded.

Linux only. A request is a line of JSON with file descriptors: standard output and error, and what else the process
gets, whose numbers become its first arguments. The process answers with its id and waits for a word before it runs the
module: the client may have ended, or asked elsewhere, in the meantime.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datalab.home.sockets import FORKS, socket_file

IS_POSSIBLE = sys.platform == "linux"
GO = b"go\n"
MOST_DESCRIPTORS = 8
_SECONDS = 30.0
"""How long the server may take to answer: it may be loading."""


@dataclass(frozen=True)
class ForkRequest:
    """A process to make."""

    module: str
    """What it runs, as `python -m` does."""
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    """Its working directory."""
    title: str
    """Its name in lists of processes; 15 bytes are shown."""


class Forked:
    """A process that the server made: this process is not its parent, unless it adopts orphans."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return the exit code of the ended process, 0 if only its parent knows; None: it runs."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None if self._runs(0) else 0
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process, and return what `poll` does.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        if timeout is not None and self._runs(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        while self._runs(None):
            pass
        return self.poll() or 0

    def _runs(self, seconds: float | None) -> bool:
        """Return whether it still runs after so many seconds; None: wait for its end."""
        if self._handle is None:
            return False
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        if not poll.poll(None if seconds is None else seconds * 1_000):
            return True
        os.close(self._handle)
        self._handle = None
        return False


def fork(home: Path, request: ForkRequest, descriptors: Sequence[int]) -> Forked | None:
    """Make a process in a session of its own, which outlives this one; None: no server answers.

    Args:
        home: whose server.
        request: what it runs.
        descriptors: its standard output and error, and further ones.

    Raises:
        OSError: the machine refuses.
    """
    if not IS_POSSIBLE:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(_SECONDS)
        try:
            server.connect(str(socket_file(home, FORKS)))
            socket.send_fds(server, [b"\n"], list(descriptors))
            asked = {**vars(request), "environment": dict(request.environment)}
            server.sendall(json.dumps(asked).encode() + b"\n")
            with server.makefile("rb") as answers:
                answer = json.loads(answers.readline() or b"{}")
        except OSError:
            return None
        if refused := answer.get("errno"):
            raise OSError(refused, os.strerror(refused))
        if "pid" not in answer:
            return None
        forked = Forked(answer["pid"])
        with contextlib.suppress(OSError):  # it was killed: as if it had been later
            server.sendall(GO)
        return forked
