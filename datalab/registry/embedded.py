"""The PostgreSQL under the home directory: created, started, found again and stopped.

The server listens on a Unix socket in a directory that only its owner may enter, never on the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from datalab.home.directory import home_directory
from datalab.home.settings import Environment
from datalab.locks import locked
from datalab.registry.errors import EmbeddedPostgresFailed
from datalab.registry.probe import DRIVER, cursor_at
from datalab.registry.programs import ProgramFailed, binaries, let_through, run, server_user

DATABASE = "datalab"
"""Name of the database and of its owner."""
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 103
"""Limit on every Unix (104 bytes with the final NUL on macOS, 108 on Linux)."""
_START_SECONDS = 120
_ORPHANS_SECONDS = 10
_FATAL = " FATAL:  "
_MOST_OF_LOG = 1 << 20
_SETTINGS = """
# Added by datalab. Statements and details of errors hold values; they stay out of the log.
port = 5432
listen_addresses = ''
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
"""


def embedded_server(environment: Mapping[str, str] = os.environ) -> EmbeddedPostgres | None:
    """Return the server under the home directory, started or not; None if `DATALAB_POSTGRES_URL` names another."""
    return None if Environment.read(environment).postgres_url else EmbeddedPostgres(home_directory(environment))


class EmbeddedPostgres:
    """The PostgreSQL of one home directory; any number of processes may hold one of these at once.

    If root runs it, the server runs as the system user `pgserver` (created if missing), because PostgreSQL refuses
    root. Others may then enter the directories above its data and programs (mode ``o+x``), but not list them.

    Example:
        >>> server = EmbeddedPostgres(Path(".datalab"))       # doctest: +SKIP
        >>> server.start(), server.start()                    # doctest: +SKIP
        (True, False)
    """

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self.data = self.home / "postgres"
        self.log = self.data / "server.log"

    @property
    def url(self) -> str:
        """The URL of the server, started or not, with its driver."""
        return self._url(DATABASE)

    def start(self) -> bool:
        """Start the server unless it runs, and return whether this call started it; creates it on first use.

        Raises:
            EmbeddedPostgresFailed: it cannot be created or started; says why and where its log is.
        """
        with self._locked("started"):
            if not (self.data / "PG_VERSION").exists():
                self._make()
            self._give_to_server_user()
            started = False
            if not self._answers():
                if not self._alive():
                    self._launch()
                    started = True
                self._wait_for_answer()
            self._ensure_database()
            return started

    def stop(self, *, only_if_unused: bool = False) -> bool:
        """Stop the server, rolling back open transactions, and return whether it was running.

        Args:
            only_if_unused: leave it running (and return False) while another client is connected.
        """
        if not (self.data / "PG_VERSION").exists():
            return False
        with self._locked("stopped"):
            if not self._alive() or (only_if_unused and self._clients()):
                return False
            directory = self._socket_directory()
            self._control("stopped", "stop", "--mode=fast", "--wait", f"--timeout={_START_SECONDS}")
            if directory != self.data:
                shutil.rmtree(directory, ignore_errors=True)
            return True

    def running(self) -> bool:
        """Return whether the server answers now."""
        return (self.data / "PG_VERSION").exists() and self._answers()

    # ------------------------------------------------------------------------------------------------ steps

    @contextlib.contextmanager
    def _locked(self, action: str) -> Iterator[None]:
        """Hold the lock between processes; the kernel releases it when its holder dies."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with locked(self.home / "postgres.lock"):
                yield
        except OSError as error:
            raise EmbeddedPostgresFailed(action, self.home, error.strerror or type(error).__name__) from None

    def _make(self) -> None:
        """Create the data directory, whole or not at all: an incomplete directory of initdb is never used."""
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedPostgresFailed("started", self.home, f"{self.data} holds something other than a database")
        new = self.home / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        user = server_user()
        if user:
            os.chown(new, user.pw_uid, user.pw_gid)
            let_through(new)
        self._run(
            "started", "initdb", f"--pgdata={new}", f"--username={DATABASE}", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        with (new / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        new.rename(self.data)

    def _launch(self) -> None:
        crashed = bool(self._recorded())
        self._remove_foreign_pid_file()
        directory = self._socket_directory()
        if directory != self.data:
            self._make_private(directory)
        # The double quotes are for PostgreSQL, which reads a list of directories; pg_ctl passes it to a shell.
        quoted = '"' + str(directory).replace('"', '""') + '"'
        options = f"-k {shlex.quote(quoted)} -c unix_socket_permissions=0700"
        for attempt in range(3):
            try:
                self._control(
                    "started", "start", "--wait", f"--timeout={_START_SECONDS}", f"--log={self.log}",
                    f"--options={options}",
                )  # fmt: skip
                return
            except EmbeddedPostgresFailed:
                # After a kill -9 the children of the old server need a moment to notice it and release its memory.
                if not crashed or attempt == 2:
                    raise
                time.sleep(1)

    def _make_private(self, directory: Path) -> None:
        """Create the directory of the socket; a directory of another user is not used, a link is not followed."""
        user = server_user()
        owner = user.pw_uid if user else os.geteuid()
        try:
            directory.mkdir(mode=0o700)
            if user:
                os.chown(directory, user.pw_uid, user.pw_gid)
        except FileExistsError:
            found = directory.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
                reason = f"{directory} is not private to its server"
                raise EmbeddedPostgresFailed("started", self.home, reason) from None

    def _wait_for_answer(self) -> None:
        """Wait for a server that another process has started, or that is still recovering from a crash."""
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > end or not self._alive():
                raise EmbeddedPostgresFailed("started", self.home, "it does not answer", self.log)
            time.sleep(0.2)

    def _ensure_database(self) -> None:
        with cursor_at(self._url("postgres")) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.fetchone():
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')

    # ------------------------------------------------------------------------------------------------ data

    def _answers(self) -> bool:
        if not self._alive():
            return False
        with contextlib.suppress(psycopg2.Error), cursor_at(self._url("postgres")):
            return True
        return False

    def _clients(self) -> bool:
        """Return whether another client is connected."""
        query = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        with cursor_at(self._url("postgres")) as cursor:
            cursor.execute(query)
            return bool(cursor.fetchall())

    def _recorded(self) -> list[str]:
        """Return the lines of postmaster.pid: process id, data directory, start, port, socket directory, …"""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _alive(self) -> bool:
        """Return whether the recorded process is the server of this directory; process ids are used again."""
        recorded = self._recorded()
        if not recorded or not recorded[0].strip().isdigit():
            return False
        try:
            process = psutil.Process(int(recorded[0]))
            if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
                return False
            return Path(process.cwd()) == self.data
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True

    def _remove_foreign_pid_file(self) -> None:
        """Remove postmaster.pid if another program has the process id of a crashed server: PostgreSQL confuses them.

        From the file PostgreSQL also knows whether children of the old server still use the data, so it is removed
        only if none is left; if the process id is free, PostgreSQL handles this without help.
        """
        recorded = self._recorded()
        if not recorded or not recorded[0].strip().isdigit() or not psutil.pid_exists(int(recorded[0])):
            return
        end = time.monotonic() + _ORPHANS_SECONDS
        while any(process.info["cwd"] == str(self.data) for process in psutil.process_iter(["cwd"])):
            if time.monotonic() > end:
                raise EmbeddedPostgresFailed("started", self.home, "processes of a crashed server still use its data")
            time.sleep(0.2)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _socket_directory(self) -> Path:
        """Return the data directory, or a short private one if its path is too long for a socket."""
        if len(os.fsencode(self.data / _SOCKET)) <= _LONGEST_SOCKET_PATH:
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"datalab-{name}"

    def _url(self, database: str) -> str:
        recorded = self._recorded()
        directory = recorded[4] if len(recorded) > 4 and recorded[4] else str(self._socket_directory())
        # Percent signs only: libpq does not read + as a blank.
        return f"{DRIVER}://{DATABASE}@/{database}?host={quote(directory, safe='')}&port=5432"

    # ------------------------------------------------------------------------------------------------ programs

    def _control(self, action: str, command: str, *arguments: str) -> None:
        self._run(action, "pg_ctl", command, f"--pgdata={self.data}", *arguments)

    def _run(self, action: str, program: str, *arguments: str) -> None:
        written = self.log.stat().st_size if self.log.exists() else 0
        try:
            folder = binaries(self.data)
            run(folder / program, *arguments)
        except ProgramFailed as failure:
            log = self.log if self.log.exists() else None
            reason = self._fatal(written) or failure.line
            raise EmbeddedPostgresFailed(action, self.home, reason, log) from None

    def _fatal(self, before: int) -> str | None:
        """Return what the server has said last about why it ends, after so many bytes of its log."""
        if not self.log.exists():
            return None
        with self.log.open("rb") as file:
            file.seek(before)
            lines = file.read(_MOST_OF_LOG).decode("utf-8", "replace").splitlines()
        reasons = [line.partition(_FATAL)[2].strip() for line in lines if _FATAL in line]
        return reasons[-1] if reasons else None

    def _give_to_server_user(self) -> None:
        """Make the server's user the owner of the data, in case root copied them from a volume or another machine."""
        user = server_user()
        if user is None:
            if self.data.stat().st_uid != os.geteuid():
                raise EmbeddedPostgresFailed("started", self.home, "its data belong to another user")
            return
        let_through(self.data)
        if self.data.stat().st_uid != user.pw_uid and not self._alive():
            for path in [self.data, *self.data.rglob("*")]:
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
