"""Every statement of every panel is in the common subset of DuckDB and Spark SQL, and holds no configured name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import expressions as exp

from datalab.engines import Engine, Hashes, Parameter, Rows
from datalab.lab import LabDefinition
from datalab.statistics import compute_statistics, write_users

NAME = "a 'configured' \"name\"; DROP TABLE users --"


class Recorder:
    """An engine that notes each statement and hands it on; also a proof that the protocol is all that is needed."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.statements: dict[str, set[str]] = {}

    def _note(self, panel: str, sql: str) -> None:
        self.statements.setdefault(panel, set()).add(sql)

    def register_parquet(self, name: str, paths: Sequence[Path]) -> None:
        self.inner.register_parquet(name, paths)

    def register_arrow(self, name: str, source: Any) -> None:
        self.inner.register_arrow(name, source)

    def query(self, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> pa.Table:
        self._note(panel, sql)
        return self.inner.query(sql, parameters, panel=panel)

    def create_table(self, name: str, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        self._note(panel, sql)
        self.inner.create_table(name, sql, parameters, panel=panel)

    def write_parquet(self, path: Path, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        self._note(panel, sql)
        self.inner.write_parquet(path, sql, parameters, panel=panel)

    def key_hashes(self, columns: Sequence[pa.Array]) -> Hashes:
        return self.inner.key_hashes(columns)

    def repeated_rows(self, candidates: Iterable[pa.Table]) -> Iterator[Rows]:
        return self.inner.repeated_rows(candidates)

    def drop(self, name: str) -> None:
        self.inner.drop(name)

    def quote(self, name: str) -> str:
        return self.inner.quote(name)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None: ...


@pytest.fixture
def statements(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    summarise: Callable[..., Any],
    legacy: Callable[..., Any],
    tmp_path: Path,
) -> dict[str, set[str]]:
    entries = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True, "isMatchingId": True},
        {"idName": NAME, "idType": "HASHED_EMAIL", "isMatchingId": True},
        {"idName": "maid", "idType": "MAID", "isActivationId": True},
        # Enough identifiers for a second word of flags.
        *({"idName": f"other {n}", "idType": "STRING"} for n in range(60)),
    ]
    lab = make_lab(identifiersConfig=entries)
    rows = make_rows(identifiers=[("u1", NAME, "h1"), ("u2", NAME, "h1"), ("u1", "other 59", "x")])
    recorder = Recorder(engine)
    report = compute_statistics(lab, rows, summarise(rows), recorder)
    assert report.identifiers_overview[NAME].max_userids_per_id == 2
    assert report.identifiers_overview["other 59"].distinct_ids == 1
    legacy(recorder, make_lab(requireEmbeddings=False, requireSegments=False), rows)
    write_users(recorder, lab, tmp_path / "users.parquet")
    # V1's distributions need ten segments.
    many = make_rows(identifiers=[("u1", "hashed_email", "h1")], segments=[("u1", f"s{n}") for n in range(10)])
    legacy(recorder, make_lab(requireEmbeddings=False), many)
    return recorder.statements


def test_every_panel_that_executes_sql_is_recorded(statements: dict[str, set[str]]) -> None:
    assert set(statements) == {
        "users",
        "user_groups",
        "id_profiles",
        "basic_statistics",
        "segment_user_counts",
        "segments_per_user",
        "demographic_user_counts",
        "statistics_v1",
    }


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_every_statement_parses_in_both_dialects(statements: dict[str, set[str]], dialect: str) -> None:
    for panel, texts in statements.items():
        for sql in texts:
            [tree] = sqlglot.parse(sql, read=dialect)
            assert isinstance(tree, exp.Query), panel


def test_every_statement_means_the_same_in_both_dialects(statements: dict[str, set[str]]) -> None:
    for texts in statements.values():
        for sql in texts:
            as_duckdb = sqlglot.parse_one(sql, read="duckdb").sql("spark")
            as_spark = sqlglot.parse_one(sql, read="spark").sql("spark")
            # Spark knows no VARCHAR without a length; everything else is word for word the same.
            assert as_duckdb == as_spark


def test_only_functions_that_both_dialects_have(statements: dict[str, set[str]]) -> None:
    for texts in statements.values():
        for sql in texts:
            tree = sqlglot.parse_one(sql, read="spark")
            unknown = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
            assert unknown <= {"xxhash64"}, unknown


def test_names_are_bound_and_identifiers_need_no_quotes(statements: dict[str, set[str]]) -> None:
    for texts in statements.values():
        for sql in texts:
            assert '"' not in sql
            assert "`" not in sql
            assert "configured" not in sql
            assert "maid" not in sql
            literals = {
                node.name for node in sqlglot.parse_one(sql, read="spark").find_all(exp.Literal) if node.is_string
            }
            assert literals <= {""}
