"""A signal stops a statement, and the caller learns that it was a signal: what its handler raises is lost in DuckDB."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from datalab.engines.duckdb import DuckDBEngine

LONG = " UNION ALL ".join(f"SELECT count(DISTINCT hash(range + {n})) AS n FROM range(3000000)" for n in range(40))
"""Much longer than the signal takes. DuckDB looks for one between the parts of a statement."""


class Stopped(BaseException):
    """What the handler of the signal raises."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine("500MB", tmp_path, 1) as engine:
        yield engine


@pytest.fixture
def signal_in() -> Iterator[Callable[[float], None]]:
    """Send this process a signal in some seconds; its handler raises `Stopped`."""

    def stop(*_: object) -> None:
        raise Stopped

    def send_in(seconds: float) -> None:
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGUSR1)))
        timers[-1].start()

    timers: list[threading.Timer] = []
    before = signal.signal(signal.SIGUSR1, stop)
    yield send_in
    for timer in timers:
        timer.cancel()
    signal.signal(signal.SIGUSR1, before)


STATEMENTS: dict[str, Callable[[DuckDBEngine, Path], object]] = {
    "query": lambda engine, _: engine.query(LONG, panel="p"),
    "table": lambda engine, _: engine.create_table("t", LONG, panel="p"),
    "parquet": lambda engine, folder: engine.write_parquet(folder / "rows.parquet", LONG, panel="p"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement(engine: DuckDBEngine, tmp_path: Path, name: str, signal_in: Callable[[float], None]) -> None:
    signal_in(0.5)
    with pytest.raises(KeyboardInterrupt):
        STATEMENTS[name](engine, tmp_path)


def test_a_search_for_repeated_keys(engine: DuckDBEngine, signal_in: Callable[[float], None]) -> None:
    keys = pa.array(range(4_000_000))

    def candidates() -> Iterator[pa.Table]:
        yield pa.table({"key": keys, "row": keys})
        signal_in(0.1)

    with pytest.raises(KeyboardInterrupt):
        list(engine.repeated_rows(candidates()))
