"""What only DuckDB has: the advice when memory is short, Python variables that are no relations, keys that spill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from datalab.engines import Engine, EngineError, open_engine
from datalab.engines.duckdb import DuckDBEngine, keys
from datalab.errors import OutputFailed


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with DuckDBEngine("500MB", tmp_path, 1) as engine:
        yield engine


def test_it_is_the_engine_that_the_factory_opens(tmp_path: Path) -> None:
    with open_engine(temp_directory=tmp_path) as engine:
        assert isinstance(engine, DuckDBEngine)
        [row] = engine.query("SELECT current_setting('memory_limit') AS m", panel="p").to_pylist()
    assert row == {"m": "1.1 GiB"}  # 1200 MiB, as DuckDB writes it


def test_out_of_memory_says_what_to_do(tmp_path: Path) -> None:
    with (
        DuckDBEngine("20MB", tmp_path, 1) as engine,
        pytest.raises(EngineError) as caught,
    ):
        engine.query("SELECT LIST(range) AS v FROM range(20000000)", panel="p")
    assert "`engine.memory`" in str(caught.value)


def test_python_variables_are_no_relations(engine: Engine) -> None:
    table = pa.table({"v": ["a"]})
    with pytest.raises(EngineError):
        engine.query("SELECT * FROM table_of_mine", panel="p")
    assert table.num_rows == 1


def test_no_room_to_compare_is_said_without_a_value(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.OutOfMemoryException("planted@example.com does not fit")

    monkeypatch.setattr(keys, "later_of_equals", full)
    with pytest.raises(OutputFailed) as raised:
        list(engine.repeated_rows([pa.table({"row": [1], "k": ["planted@example.com"]})]))
    assert "planted" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__context__ is None
