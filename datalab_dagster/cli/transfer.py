"""Files to and from a deployment, with a bar on the terminal. This module does not know how files are stored."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from datalab.connectors import connector_for
from datalab.errors import InputMissing, InputUnreadable, OutputFailed, UsageError
from datalab.formats import size
from datalab.scratch import why
from datalab_dagster.cli.exits import Stopped
from datalab_dagster.service import DatasetInfo, DatasetNotFound, LabService
from datalab_dagster.terminal.safe_console import SafeConsole

_SECONDS_BETWEEN_LINES = 5.0
_BLOCK = 1 << 20


def upload_file(
    service: LabService,
    file: Path,
    *,
    name: str | None = None,
    description: str = "",
    for_machines: bool = False,
) -> DatasetInfo:
    """Upload a file under its name; resume an interrupted upload of it.

    Raises:
        InputMissing, InputUnreadable: the file cannot be read.
        UploadInterrupted: the store failed.
        Stopped: Ctrl-C; what is stored is kept.
    """
    try:
        with file.open("rb") as source, _uploading(file.name, file.stat().st_size, for_machines) as progress:
            return service.upload_dataset(source, name or file.name, description=description, progress=progress)
    except FileNotFoundError:
        raise InputMissing(file) from None
    except OSError as error:
        raise InputUnreadable(file, why(error)) from None


def same_content(service: LabService, stored: DatasetInfo) -> str:
    """Return a sentence that names the oldest other dataset of the same content; empty if there is none."""
    with contextlib.suppress(DatasetNotFound):  # deleted meanwhile
        for other in stored.same_content[:1]:
            found = service.dataset(other)
            return f"The same content is stored already: {found.name}, {found.manifest_hash}."
    return ""


def is_address(text: str) -> bool:
    """Return whether this is an address for a connector, such as `s3://bucket/users.csv`, and not a path."""
    return "://" in text


def upload_from(service: LabService, url: str, *, for_machines: bool = False) -> DatasetInfo:
    """Upload the file at an address through its connector, as a stream.

    Raises:
        UsageError: there is no such file, it changed meanwhile, or it cannot be reached.
        UploadInterrupted: the store failed.
        Stopped: Ctrl-C; what is stored is kept.
    """
    connector = connector_for(url)
    entry = connector.find(url)
    if entry is None:
        raise UsageError(f"There is no file at {url}. Nothing was uploaded or changed.")
    with connector.open(entry) as source, _uploading(entry.name, entry.size or 0, for_machines) as progress:
        return service.upload_dataset(source, entry.name, progress=progress)


def download_to(service: LabService, dataset: DatasetInfo, url: str) -> None:
    """Write the content of a dataset to an address through its connector, completely or not at all.

    Raises:
        UsageError: the file exists already, or the address cannot be reached.
        KeyNotFound, KeyAccessDenied, ChunkDamaged: as their names say.
    """
    with (
        service.download_dataset(dataset.manifest_hash) as content,
        shown_bytes(dataset.name, dataset.size) as progress,
    ):
        connector_for(url).write(url, _blocks(content, progress))


def download_file(service: LabService, dataset: DatasetInfo, file: Path) -> None:
    """Write the content of a dataset to `file`, private to its owner, completely or not at all.

    Raises:
        UsageError: the file exists already.
        OutputFailed: it cannot be written.
        KeyNotFound, KeyAccessDenied, ChunkDamaged: as their names say.
    """
    with shown_bytes(dataset.name, dataset.size) as progress:
        save(lambda: service.download_dataset(dataset.manifest_hash), file, progress)


def save(
    open_content: Callable[[], BinaryIO], file: Path, progress: Callable[[int], None] = lambda count: None
) -> None:
    """Write what `open_content` opens to `file`, private to its owner, completely or not at all.

    Raises:
        UsageError: the file exists already.
        OutputFailed: it cannot be written.
    """
    if file.exists():
        raise UsageError(f"{file} exists already and was not changed: choose another name.")
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as target, open_content() as content:
            target.writelines(_blocks(content, progress))
        part.replace(file)
    except OSError as error:
        raise OutputFailed(file, why(error)) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _blocks(content: BinaryIO, progress: Callable[[int], None]) -> Iterator[bytes]:
    while block := content.read(_BLOCK):
        yield block
        progress(len(block))


@contextlib.contextmanager
def _uploading(name: str, total: int, for_machines: bool) -> Iterator[Callable[[int], None]]:
    """Do as `shown_bytes`; on Ctrl-C, say that the upload can be resumed."""
    try:
        with shown_bytes(name, total, quiet=for_machines) as progress:
            yield progress
    except KeyboardInterrupt:
        raise Stopped("Interrupted: what is stored is kept, and the same command resumes from there.") from None


@contextlib.contextmanager
def shown_bytes(name: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Yield a callback for the size of every chunk. It shows a bar on a terminal, else a line every few seconds."""
    console = SafeConsole(stderr=True)
    if not console.is_terminal:
        yield _lines(console, name, total, quiet)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.update(task, advance=count)


def _lines(console: Console, name: str, total: int, quiet: bool) -> Callable[[int], None]:
    done = 0
    last = time.monotonic()

    def progress(count: int) -> None:
        nonlocal done, last
        done += count
        if not quiet and time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.print(f"{name}: {size(done)} of {size(total)}", highlight=False, soft_wrap=True, markup=False)

    return progress
