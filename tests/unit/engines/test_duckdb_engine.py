"""The DuckDB engine: relations, bound values, bounded memory, and failures that tell no value."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.engines import Engine, EngineError
from datalab.engines.duckdb import DuckDBEngine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with DuckDBEngine(temp_directory=tmp_path, threads=1) as engine:
        yield engine


def parquet(path: Path, values: list[str]) -> Path:
    pq.write_table(pa.table({"v": values}), path)
    return path


def test_several_parquet_files_are_one_relation(engine: Engine, tmp_path: Path) -> None:
    paths = [parquet(tmp_path / f"{name} 'x'.parquet", [name]) for name in ("a", "b")]
    engine.register_parquet("letters", paths)
    rows = engine.query("SELECT v FROM letters ORDER BY v", panel="p").to_pylist()
    assert rows == [{"v": "a"}, {"v": "b"}]


def test_an_arrow_table_is_a_relation_until_it_is_dropped(engine: Engine) -> None:
    engine.register_arrow("letters", pa.table({"v": ["a"]}))
    assert engine.query("SELECT COUNT(*) AS n FROM letters", panel="p").to_pylist() == [{"n": 1}]
    engine.drop("letters")
    with pytest.raises(EngineError, match="CatalogException"):
        engine.query("SELECT COUNT(*) AS n FROM letters", panel="p")


def test_dropping_what_is_not_there_does_nothing(engine: Engine) -> None:
    engine.drop("nothing")


def test_values_are_bound_in_tables_files_and_queries(engine: Engine, tmp_path: Path) -> None:
    engine.register_arrow("letters", pa.table({"v": ["a", "it's", "🦆"]}))
    text = "SELECT v FROM letters WHERE v = ?"
    assert engine.query(text, ["🦆"], panel="p").to_pylist() == [{"v": "🦆"}]
    engine.create_table("kept", text, ["it's"], panel="p")
    engine.create_table("kept", text, ["a"], panel="p")
    assert engine.query("SELECT v FROM kept", panel="p").to_pylist() == [{"v": "a"}]
    engine.write_parquet(tmp_path / "it's.parquet", text, ["it's"], panel="p")
    assert pq.read_table(tmp_path / "it's.parquet").to_pylist() == [{"v": "it's"}]


def test_equal_texts_have_equal_hashes(engine: Engine) -> None:
    [row] = engine.query(
        "SELECT xxhash64('a') = xxhash64('a') AS x, xxhash64('a') = xxhash64('b') AS y", panel="p"
    ).to_pylist()
    assert row == {"x": True, "y": False}


def test_length_counts_code_points(engine: Engine) -> None:
    assert engine.query("SELECT LENGTH(?) AS n", ["é🤦🏼"], panel="p").to_pylist() == [{"n": 3}]


@pytest.mark.parametrize("name", ["plain", 'a "quoted" name', "semi; colon"])
def test_any_name_can_be_quoted(engine: Engine, name: str) -> None:
    engine.create_table(name, "SELECT 1 AS n", panel="p")
    assert engine.query(f"SELECT n FROM {engine.quote(name)}", panel="p").to_pylist() == [{"n": 1}]


def test_a_failure_names_the_panel_and_the_statement_but_no_value(engine: Engine) -> None:
    engine.register_arrow("people", pa.table({"v": ["planted@example.org"]}))
    with pytest.raises(EngineError) as caught:
        engine.query("SELECT CAST(v AS INT) AS n FROM people WHERE v <> ?", ["secret"], panel="ages")
    text = str(caught.value)
    assert "Panel 'ages'" in text
    assert "CAST(v AS INT)" in text
    assert "planted" not in text
    assert "secret" not in text
    # A traceback prints the chain too; DuckDB's own text quotes the value.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_more_than_the_memory_limit_is_spilled(tmp_path: Path) -> None:
    with DuckDBEngine(memory_limit="80MB", temp_directory=tmp_path, threads=1) as engine:
        engine.create_table(
            "wide", "SELECT CAST(range AS STRING) || 'abcdefghijklmnopqrst' AS v FROM range(3000000)", panel="p"
        )
        [row] = engine.query("SELECT COUNT(DISTINCT v) AS n FROM wide", panel="p").to_pylist()
    assert row == {"n": 3_000_000}


def test_out_of_memory_says_what_to_do(tmp_path: Path) -> None:
    with (
        DuckDBEngine(memory_limit="20MB", temp_directory=tmp_path, threads=1) as engine,
        pytest.raises(EngineError) as caught,
    ):
        engine.query("SELECT LIST(range) AS v FROM range(20000000)", panel="p")
    assert "memory_limit" in str(caught.value)


def test_scratch_is_private_and_gone_after_close(tmp_path: Path) -> None:
    engine = DuckDBEngine(temp_directory=tmp_path)
    [scratch] = tmp_path.iterdir()
    assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    engine.close()
    engine.close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    engine = DuckDBEngine(temp_directory=tmp_path)
    engine.close()
    with pytest.raises(EngineError, match="ConnectionException"):
        engine.query("SELECT 1 AS n", panel="p")


def test_python_variables_are_no_relations(engine: Engine) -> None:
    table = pa.table({"v": ["a"]})
    with pytest.raises(EngineError):
        engine.query("SELECT * FROM table_of_mine", panel="p")
    assert table.num_rows == 1
