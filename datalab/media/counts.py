"""Exact counts of ids and users, which `privacy` rounds before they are published, and user lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from datalab.media.base import BaseAudience
from datalab.scratch import forget
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "counts"


def by_type(base: BaseAudience, statement: str, **parts: str) -> list[int]:
    """Return a count per audience type, in their order."""
    rows = base.engine.query(_SQL[statement].format(**parts), panel=_PANEL).to_pylist()
    found = {row["t"]: row["n"] for row in rows}
    return [found.get(number, 0) for number in range(len(base.seed_types))]


def ids_by_type(base: BaseAudience) -> dict[str, list[int]]:
    """Return per activation id how many of its ids the matched users of each audience type hold."""
    return {name: by_type(base, "ids_of_types", ids=ids) for name, ids in base.activation_relations().items()}


def count(base: BaseAudience, statement: str, members: str, **parts: str) -> int:
    """Return a count of the users that `members`, a SELECT of their keys, yields."""
    found = base.engine.query(_SQL[statement].format(members=members, **parts), panel=_PANEL)
    return int(found["n"][0].as_py())


def size(base: BaseAudience, members: str) -> dict[str, Any]:
    """Return the size of an audience as it is published (docs/spec/media.md#34-size-and-user-list)."""
    published = base.room.privacy.audience
    sizes: dict[str, Any] = {"userId": published(count(base, "users", members))}
    for name, ids in base.activation_relations().items():
        if name not in sizes:
            sizes[name] = published(count(base, "ids", members, ids=ids))
    return dict.fromkeys(sizes) if base.room.hides_counts else sizes


def write_user_list(base: BaseAudience, members: str, activation_id: str, path: Path) -> None:
    """Write the ids of an audience to a Parquet file, sorted by code point; the caller chooses a private place."""
    text = _SQL["user_list"].format(members=members, ids=base.activation_relations()[activation_id])
    base.engine.write_parquet(path, text, panel=_PANEL)


def read_user_list(path: Path) -> Iterator[str]:
    """Yield the ids of `write_user_list`, and remove the file."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["id"]):
            yield from batch.column(0).to_pylist()
    forget(path)
