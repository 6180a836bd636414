"""A small lab, worked out by hand in the tests of this folder.

user   hashed_email   maid       segments   age    gender   embeddings
u1     h1, h2         m1, m2     a, b       18-24  f        news, sport
u2     h1             m1         a          18-24  -        news
u3     -              m3         -          -      -        -
u4     -              -          a, c       25-34  m        news          not in identifiers
u5     h3             -          -          -      -        -
u6     (only an id that is not configured)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, lab_from_dict
from datalab.results.statistics import StatisticsResult
from datalab.results.validation import DatasetFacts
from datalab.statistics import ValidatedDataset, create_users, legacy_statistics, register_valid_rows
from tests.engines import ENGINES

Rows = dict[DatasetKind, pa.Table]
IDENTIFIERS = [
    ("u1", "hashed_email", "h1"),
    ("u1", "hashed_email", "h2"),
    ("u1", "maid", "m1"),
    ("u1", "maid", "m2"),
    ("u1", "userId", "u1"),
    ("u2", "hashed_email", "h1"),
    ("u2", "maid", "m1"),
    ("u2", "userId", "another value"),
    ("u3", "maid", "m3"),
    ("u5", "hashed_email", "h3"),
    ("u6", "unknown", "x1"),
]
SEGMENTS = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u4", "a"), ("u4", "c")]
DEMOGRAPHICS = [("u1", "18-24", "f"), ("u2", "18-24", None), ("u4", "25-34", "m")]
EMBEDDINGS = [
    ("u1", "news", 0.5, None),
    ("u1", "sport", None, None),
    ("u2", "news", float("inf"), None),
    ("u4", "news", 1.0, 2.0),
]


@pytest.fixture(scope="session")
def make_lab() -> Callable[..., LabDefinition]:
    """A lab with userId (activation), hashed_email (matching), maid (activation); keys override."""

    def make(**keys: Any) -> LabDefinition:
        wire: dict[str, Any] = {
            "identifiersConfig": [
                {"idName": "userId", "idType": "STRING", "isActivationId": True},
                {"idName": "hashed_email", "idType": "HASHED_EMAIL", "isMatchingId": True},
                {"idName": "maid", "idType": "MAID", "isActivationId": True},
            ],
            "requireSegments": True,
            "requireDemographics": True,
            "requireEmbeddings": True,
            "numEmbeddings": 2,
        }
        return lab_from_dict({**wire, **keys})

    return make


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., Rows]:
    """Valid rows as tables, from lists of tuples per dataset; without arguments those of the small lab."""

    def table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
        kinds = [pa.float64() if name[0] == "e" and name[1:].isdigit() else pa.string() for name in columns]
        return pa.table({name: pa.array([row[i] for row in rows], kinds[i]) for i, name in enumerate(columns)})

    def make(
        identifiers: Sequence[tuple[str, str, str]] = IDENTIFIERS,
        segments: Sequence[tuple[str, str]] = SEGMENTS,
        demographics: Sequence[tuple[str, str | None, str | None]] = DEMOGRAPHICS,
        embeddings: Sequence[tuple[Any, ...]] = EMBEDDINGS,
        num_embeddings: int = 2,
    ) -> Rows:
        numbers = [f"e{i}" for i in range(num_embeddings)]
        return {
            DatasetKind.IDENTIFIERS: table(["user_id", "id_name", "id"], identifiers),
            DatasetKind.SEGMENTS: table(["user_id", "segment"], segments),
            DatasetKind.DEMOGRAPHICS: table(["user_id", "age", "gender"], demographics),
            DatasetKind.EMBEDDINGS: table(["user_id", "scope", *numbers], embeddings),
        }

    return make


@pytest.fixture(scope="session")
def summarise() -> Callable[[Rows], dict[DatasetKind, ValidatedDataset]]:
    """Summaries of datasets whose rows were all valid."""

    def make(rows: Rows) -> dict[DatasetKind, ValidatedDataset]:
        return {kind: all_valid(len(table)) for kind, table in rows.items()}

    return make


def all_valid(rows: int) -> ValidatedDataset:
    """The summary of a file whose rows were all valid, and whose quotes were all right."""
    return ValidatedDataset(total_rows=rows, valid_rows=rows, facts=DatasetFacts(broken_quote=False))


@pytest.fixture(scope="session", params=ENGINES, ids=str)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with request.param.open("500MB", None, 2) as engine:
        yield engine


@pytest.fixture
def small(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Rows]
) -> tuple[Engine, LabDefinition]:
    """The small lab, its rows and its users registered."""
    lab = make_lab()
    register_valid_rows(engine, lab, make_rows())
    create_users(engine, lab)
    return engine, lab


@pytest.fixture(scope="session")
def legacy() -> Callable[[Engine, LabDefinition, Rows], StatisticsResult]:
    """The V1 result of a lab from its valid rows, as the asset of the statistics computes it."""

    def compute(engine: Engine, lab: LabDefinition, rows: Rows) -> StatisticsResult:
        register_valid_rows(engine, lab, rows)
        create_users(engine, lab)
        return legacy_statistics(engine, lab, {kind: all_valid(len(table)) for kind, table in rows.items()})

    return compute
