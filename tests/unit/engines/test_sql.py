"""SQL on every engine: relations, bound values, bounded memory, and failures that show no value."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.engines import Engine, EngineError, protocol
from datalab.engines.protocol import ResultTooLargeError
from tests.engines import EngineUnderTest


def parquet(path: Path, values: list[str]) -> Path:
    pq.write_table(pa.table({"v": values}), path)
    return path


def test_several_parquet_files_are_one_relation(engine: Engine, tmp_path: Path) -> None:
    paths = [parquet(tmp_path / f"{name} 'x'.parquet", [name]) for name in ("a", "b")]
    engine.register_parquet("letters", paths)
    rows = engine.query("SELECT v FROM letters ORDER BY v", panel="p").to_pylist()
    assert rows == [{"v": "a"}, {"v": "b"}]


def test_an_arrow_table_is_a_relation_until_it_is_dropped(engine: Engine, under_test: EngineUnderTest) -> None:
    engine.register_arrow("letters", pa.table({"v": ["a"]}))
    assert engine.query("SELECT COUNT(*) AS n FROM letters", panel="p").to_pylist() == [{"n": 1}]
    engine.drop("letters")
    with pytest.raises(EngineError, match=under_test.unknown_relation):
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


def test_a_failure_in_a_late_row_names_no_value_either(engine: Engine) -> None:
    engine.register_arrow("late", pa.table({"v": [*["1"] * 200_000, "secret"]}))
    with pytest.raises(EngineError, match="'ages' could not be computed") as failure:
        engine.query("SELECT CAST(v AS INT) AS n FROM late", panel="ages")
    error = failure.value
    assert "secret" not in str(error) and error.__cause__ is None and error.__context__ is None


@pytest.mark.parametrize(("limit", "most"), [("MOST_VALUES", 5), ("RESULT_BYTES", 100)])
def test_a_result_has_a_largest_size(engine: Engine, monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    """The data decide how many rows a panel has, so they must not decide how much memory it needs."""
    engine.register_arrow("names", pa.table({"v": ["x" * 30] * 3, "n": [1, 2, 3]}))
    text = "SELECT v, n FROM names WHERE n <= ?"
    assert len(engine.query(text, [2], panel="names")) == 2
    monkeypatch.setattr(protocol, limit, most)
    assert len(engine.query(text, [2], panel="names")) == 2
    with pytest.raises(ResultTooLargeError, match=r"'names' would list more than .* reduce them"):
        engine.query(text, [3], panel="names")
    assert len(engine.query(text, [1], panel="names")) == 1, "the engine can be used afterwards"


def test_more_than_the_memory_limit_is_spilled(under_test: EngineUnderTest, tmp_path: Path) -> None:
    with under_test.open("80MB", tmp_path, 1) as engine:
        engine.register_arrow("numbers", pa.table({"n": range(3_000_000)}))
        engine.create_table("wide", "SELECT CAST(n AS STRING) || 'abcdefghijklmnopqrst' AS v FROM numbers", panel="p")
        [row] = engine.query("SELECT COUNT(DISTINCT v) AS n FROM wide", panel="p").to_pylist()
    assert row == {"n": 3_000_000}


def test_scratch_is_private_and_gone_after_close(under_test: EngineUnderTest, tmp_path: Path) -> None:
    engine = under_test.open("500MB", tmp_path, None)
    [scratch] = tmp_path.iterdir()
    assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    engine.close()
    engine.close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_engine_says_so(under_test: EngineUnderTest, tmp_path: Path) -> None:
    engine = under_test.open("500MB", tmp_path, None)
    engine.close()
    with pytest.raises(EngineError, match=under_test.closed):
        engine.query("SELECT 1 AS n", panel="p")
