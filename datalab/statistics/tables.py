"""The tables that panels are written as; how a terminal or a page draws them is not decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Number = int | float


@dataclass(frozen=True)
class NumberTable:
    """Rows that begin with a configured name; every other cell is a number."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Number]]
