"""Which `datalab up` runs on a home directory, and its addresses; fast to import, starts and stops nothing."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from datalab.errors import DatalabError, UsageError
from datalab.locks import locked, note_of_holder

LOCK_NAME = "up.lock"
RECORD_NAME = "up.json"
_PATIENCE_SECONDS = 1.0
"""A process that only checks the lock holds it for a moment; that is not another `up`."""


@dataclass(frozen=True)
class Child:
    """A process that `up` started."""

    name: str
    pid: int
    created: float
    """When it was started, in seconds: process ids are used again."""


@dataclass(frozen=True)
class UpRecord:
    """One running `datalab up`."""

    pid: int
    dagster_url: str
    portal_url: str | None
    """None: it runs without the portal."""
    children: tuple[Child, ...] = ()
    started_database: bool = False
    """Whether it must stop the database under the home directory."""

    def with_child(self, child: Child) -> UpRecord:
        """Return this record with `child` in place of the one of its name."""
        return replace(self, children=(*(other for other in self.children if other.name != child.name), child))


class UpIsRunning(UsageError):
    """Another `datalab up` uses the home directory; `record` holds its addresses, if they are known yet."""

    def __init__(self, home: Path, record: UpRecord | None) -> None:
        self.record = record
        where = "it is starting"
        if record:
            where = f"process {record.pid}, Dagster at {record.dagster_url}"
            where += f", portal at {record.portal_url}" if record.portal_url else ", without the portal"
        super().__init__(
            f"`datalab up` is running already on {home}: {where}. Use that one, or stop it in its terminal with Ctrl-C."
        )


class HomeUnusable(DatalabError):
    def __init__(self, home: Path, reason: str) -> None:
        super().__init__(
            f"The home directory {home} cannot be used: {reason}. Nothing was started; correct DATALAB_HOME, its "
            "permissions or its free space, then run again."
        )


def running(home: Path) -> UpRecord | None:
    """Return the record of the `datalab up` that runs on `home` now; None if it does not exist.

    The record of a killed `up` is ignored: the kernel has released its lock.
    """
    holder = note_of_holder(home / LOCK_NAME)
    record = left_record(home) if holder is not None else None
    return record if record and holder == _holder(record.pid) else None


def was_started(home: Path) -> bool:
    """Return whether `datalab up` was ever started on `home`."""
    return (home / LOCK_NAME).exists()


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the home directory's lock while the block runs; the kernel releases it when the process dies.

    Raises:
        UpIsRunning: another process holds it.
        HomeUnusable: it cannot be created or written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = locked(home / LOCK_NAME, patience=_PATIENCE_SECONDS, note=_holder(os.getpid()))
            stack.enter_context(lock)
        except TimeoutError:
            raise UpIsRunning(home, running(home)) from None
        except OSError as error:
            raise HomeUnusable(home, error.strerror or type(error).__name__) from None
        yield


def left_record(home: Path) -> UpRecord | None:
    """Return what the last `up` on `home` recorded, whether it runs or was killed; None if nothing can be read."""
    try:
        data: dict[str, Any] = json.loads((home / RECORD_NAME).read_text(encoding="utf-8"))
        return UpRecord(**{**data, "children": tuple(Child(**child) for child in data["children"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_record(home: Path, record: UpRecord) -> None:
    """Write the record, whole; only its owner may read it."""
    part = home / f".{RECORD_NAME}.part"
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file, indent=2)
    part.replace(home / RECORD_NAME)


def remove_record(home: Path) -> None:
    """Remove the record after all its processes have ended."""
    (home / RECORD_NAME).unlink(missing_ok=True)


def _holder(pid: int) -> bytes:
    return f"{pid}\n".encode()
