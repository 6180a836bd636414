"""The DuckDB engine: in memory, bounded, spilling to a private directory; the SQL of panels does not belong here."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from datalab.engines import protocol
from datalab.engines.duckdb import keys
from datalab.engines.protocol import EngineError, Hashes, Parameter, ResultTooLargeError, Rows
from datalab.errors import OutputFailed
from datalab.scratch import new_file, scratch_directory

T = TypeVar("T")

_MACROS = ("CREATE OR REPLACE TEMP MACRO xxhash64(text) AS hash(text)",)
"""Functions of Spark SQL that DuckDB lacks (see datalab.engines.protocol); any good 64-bit hash is enough."""

_ARROW = "Arrow"
_ROWS_AT_ONCE = 10_000
_SIGNS_OF_A_FULL_DISK = ("No space left", "failed to offload")
"""The second one: what DuckDB may spill, 90 % of the free space, is used up."""


class DuckDBEngine:
    """One in-memory DuckDB; see `datalab.engines.Engine` for the methods and `open_engine` for the arguments."""

    name = "DuckDB"

    def __init__(self, memory_limit: str, temp_directory: Path | None, threads: int | None) -> None:
        # Spilled rows are stored here in plain text, in files that DuckDB names: close removes them, and the sweep of
        # the next process if this one is killed. (DuckDB encrypts them only with its httpfs extension, which would
        # have to be downloaded.)
        self._resources = contextlib.ExitStack()
        self._scratch = self._resources.enter_context(scratch_directory(temp_directory))
        self._connection: duckdb.DuckDBPyConnection | None = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(self._scratch),
                "threads": threads or os.cpu_count() or 1,
                "preserve_insertion_order": False,
                # SQL may name registered relations only: no Python variable, no path.
                "python_enable_replacements": False,
                # No download from the network while rows are read.
                "autoinstall_known_extensions": False,
            },
        )
        self._calls, self._calls_changed = 0, threading.Condition()
        self._kinds: dict[str, str] = {}
        """The kind of every relation; a query of DuckDB's catalogue would take milliseconds."""
        for macro in _MACROS:
            self._connection.execute(macro)

    def register_parquet(self, name: str, paths: Sequence[Path]) -> None:
        relation = self.quote(name)

        def register() -> None:
            files = self._open().read_parquet([str(path) for path in paths])
            files.create_view(name, replace=True)

        self.drop(name)
        self._kinds[name] = "VIEW"
        self._guarded(name, f"-- register Parquet files as {relation}", register)

    def register_arrow(self, name: str, source: Any) -> None:
        self.drop(name)
        self._kinds[name] = _ARROW
        self._guarded(name, f"-- register Arrow as {self.quote(name)}", lambda: self._open().register(name, source))

    def query(self, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> pa.Table:
        return self._guarded(panel, sql, lambda: self._bounded(sql, parameters, panel))

    def _bounded(self, sql: str, parameters: Sequence[Parameter], panel: str) -> pa.Table:
        reader = self._open().sql(sql, params=list(parameters)).to_arrow_reader(_ROWS_AT_ONCE)
        batches: list[pa.RecordBatch] = []
        values = size = 0
        for batch in _batches(reader):
            values += batch.num_rows * batch.num_columns
            size += batch.nbytes
            if values > protocol.MOST_VALUES or size > protocol.RESULT_BYTES:
                raise ResultTooLargeError(panel, sql)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)

    def create_table(self, name: str, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        self.drop(name)
        self._kinds[name] = "TABLE"
        self._run(panel, f"CREATE TEMP TABLE {self.quote(name)} AS {sql}", parameters)

    def write_parquet(self, path: Path, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        new_file(path)
        target = str(path).replace("'", "''")
        options = "FORMAT parquet, USE_TMP_FILE false"  # a temporary file would have a name on the disk
        # A path does not belong in a message: the statement is reported without it.
        self._guarded(
            panel,
            sql,
            lambda: self._open().execute(f"COPY ({sql}) TO '{target}' ({options})", list(parameters)),
        )

    def key_hashes(self, columns: Sequence[pa.Array]) -> Hashes:
        with self._call_of_a_thread(), self._open().cursor() as cursor:
            return keys.key_hashes(cursor, columns)

    def repeated_rows(self, candidates: Iterable[pa.Table]) -> Iterator[Rows]:
        try:
            with _interrupts(), self._open().cursor() as cursor:
                yield from keys.later_of_equals(cursor, candidates)
        except duckdb.Error as error:
            reason = _full(error) or f"comparing keys: {type(error).__name__}"
        else:
            return
        raise OutputFailed(self._scratch, reason)

    def drop(self, name: str) -> None:
        kind = self._kinds.pop(name, None)
        if kind == _ARROW:
            self._open().unregister(name)
        elif kind is not None:
            self._run(name, f"DROP {kind} IF EXISTS {self.quote(name)}", ())

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def close(self) -> None:
        with self._calls_changed:
            connection, self._connection = self._connection, None
            self._calls_changed.wait_for(lambda: self._calls == 0)
        if connection is not None:
            connection.close()
            self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise duckdb.ConnectionException("closed")
        return self._connection

    @contextlib.contextmanager
    def _call_of_a_thread(self) -> Iterator[None]:
        """Let `close` wait for the call: DuckDB refuses to close a connection that another thread uses."""
        with self._calls_changed:
            self._calls += 1
        try:
            yield
        finally:
            with self._calls_changed:
                self._calls -= 1
                self._calls_changed.notify_all()

    def _run(self, panel: str, sql: str, parameters: Sequence[Parameter]) -> None:
        self._guarded(panel, sql, lambda: self._open().execute(sql, list(parameters)))

    def _guarded(self, panel: str, sql: str, action: Callable[[], T]) -> T:
        """Run `action`; an error keeps its kind, not its text, which may quote a value of a row.

        Raises:
            OutputFailed: the disk is full.
            EngineError: any other error.
        """
        try:
            with _interrupts():
                return action()
        except (duckdb.Error, pa.ArrowException) as error:
            kind, advice, full = type(error).__name__, "", _full(error)
            if isinstance(error, duckdb.OutOfMemoryException):
                advice = (
                    "Give the engine more memory (`engine.memory` in datalab.yaml, or `datalab preflight --memory`), "
                    "or free space on its disk, and run again."
                )
        if full:
            raise OutputFailed(self._scratch, full)
        raise EngineError(panel, self.name, kind, sql, advice)


@contextlib.contextmanager
def _interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt where DuckDB says that a signal stopped it; it discards what a handler raised."""
    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a result; an error of DuckDB has its class again, which Arrow's reader hides."""
    try:
        yield from reader
    except OSError as error:
        kind = str(error).partition(" Error:")[0].title().replace(" ", "")
        raise getattr(duckdb, f"{kind}Exception", duckdb.Error)(str(error)) from None


def _full(error: Exception) -> str | None:
    """Return why `error` means that the disk is full; None: it has another cause."""
    if any(sign in str(error) for sign in _SIGNS_OF_A_FULL_DISK):
        return os.strerror(errno.ENOSPC)
    return None
