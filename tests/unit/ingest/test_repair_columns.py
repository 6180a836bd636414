"""Steps that change columns, on random files: rows that were valid stay valid, and a second repair changes nothing.

Most records of a file have the form that a step corrects; a few are valid as they are, and some are neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.validation.stream import validate
from tests.recognised_files import text_of
from tests.unit.ingest.test_repair import HASHES, LAB, MAIDS, repaired

S, F = StepName, DatasetKind
PHASES = [Phase.explicit, Phase.generate]
"""A file that fails is not made smaller: that would take minutes."""
Record = list[str]
Row = tuple[object, ...]
NAMES = {entry.id_name for entry in LAB.identifiers_config}
OTHERS = st.lists(
    st.sampled_from(["", "x", " y ", "[1", '["Sport"]', "7", "f", "maid", 'q"q', "a,b"]), min_size=1, max_size=5
)
SEGMENT = st.sampled_from(["Sport", "Food & Drink", "Küche", 'Say "no"', "a,b", "News"])


def mixed(draw: st.DrawFn, wrong: st.SearchStrategy[Record], right: st.SearchStrategy[Record]) -> list[Record]:
    """Draw records of which at least nine of ten are `wrong`; the first cell, made unique, names the user."""
    records = draw(st.lists(wrong, min_size=12, max_size=40))
    for one in draw(st.lists(right | OTHERS, max_size=len(records) // 12)):
        records.insert(draw(st.integers(0, len(records))), one)
    return records


def numbered(records: Sequence[Record], at: int = 0) -> list[Record]:
    """Put the user of each record, which no other record has, into it."""
    return [[*one[:at], f"u{number}x", *one[at:]] if len(one) >= at else one for number, one in enumerate(records)]


@st.composite
def extra_columns(draw: st.DrawFn) -> tuple[DatasetKind, list[Record]]:
    kind, cells = draw(
        st.sampled_from(
            [
                (F.SEGMENTS, st.tuples(SEGMENT)),
                (F.DEMOGRAPHICS, st.tuples(st.sampled_from(["18-24", "25-34", ""]), st.sampled_from("fm"))),
                (F.IDENTIFIERS, st.tuples(st.just("maid"), st.sampled_from(MAIDS))),
                (F.EMBEDDINGS, st.tuples(st.just("news"), *[st.sampled_from(["0.5", "-1e3", "2"])] * 4)),
            ]
        )
    )
    right = cells.map(list)
    empty = draw(st.integers(0, 3))
    records = numbered(mixed(draw, right.map(lambda one: [*one, *[""] * empty]), right))
    if not empty or draw(st.booleans()):
        records = [[str(number), *one] for number, one in enumerate(records)]
    return kind, records


@st.composite
def arrays(draw: st.DrawFn) -> tuple[DatasetKind, list[Record]]:
    if draw(st.booleans()):
        listed = st.lists(SEGMENT | st.none() | st.just(" Sport "), max_size=4)
        return F.SEGMENTS, numbered(
            mixed(draw, listed.map(lambda one: [json.dumps(one)]), SEGMENT.map(lambda one: [one]))
        )
    vector = st.lists(st.sampled_from([0.5, -2, 1e3]), min_size=3, max_size=5)
    right = st.lists(st.sampled_from(["0.5", "7"]), min_size=4, max_size=4).map(lambda one: ["news", *one])
    return F.EMBEDDINGS, numbered(mixed(draw, vector.map(lambda one: ["news", json.dumps(one)]), right))


@st.composite
def wide(draw: st.DrawFn) -> tuple[DatasetKind, list[Record]]:
    columns = draw(st.lists(st.sampled_from(["hashed_email", "phone", "maid"]), min_size=2, max_size=3, unique=True))
    values = {"hashed_email": HASHES, "phone": HASHES, "maid": MAIDS}
    one = st.tuples(*(st.sampled_from([*values[name], *["", " "] * 5, "wrong"]) for name in columns))
    long = st.sampled_from([["hashed_email", HASHES[0]], ["maid", MAIDS[0]], ["userId", "x"], ["phone", HASHES[1]]])
    records = numbered(mixed(draw, one.map(list), long))
    return F.IDENTIFIERS, [["userId", *columns], *records]


@st.composite
def other_order(draw: st.DrawFn) -> tuple[DatasetKind, list[Record]]:
    kind, right, at = draw(
        st.sampled_from(
            [
                (F.SEGMENTS, st.tuples(SEGMENT), 1),
                (F.IDENTIFIERS, st.tuples(st.just("maid"), st.sampled_from(MAIDS)), 1),
                (F.IDENTIFIERS, st.tuples(st.just("hashed_email"), st.sampled_from(HASHES)), 2),
            ]
        )
    )
    found = numbered([list(one) for one in draw(st.lists(right, min_size=30, max_size=60))], at)
    like = draw(st.lists(st.sampled_from(found), max_size=len(found) // 15))
    for number, one in enumerate(like):
        rest = [cell for cell in one if not cell.startswith("u")]
        found.insert(draw(st.integers(0, len(found))), [f"r{number}x", *rest])
    return kind, found


@pytest.mark.parametrize(
    ("made", "step"),
    [(extra_columns, S.EXTRA_COLUMNS), (arrays, S.ARRAYS), (wide, S.WIDE), (other_order, S.ORDER)],
    ids=["extra columns", "arrays", "wide", "order"],
)
def test_valid_rows_stay_valid_and_a_second_repair_changes_nothing(
    tmp_path: Path, made: Callable[[], st.SearchStrategy[tuple[DatasetKind, list[Record]]]], step: StepName
) -> None:
    done: set[StepName] = set()

    @settings(max_examples=40, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=list(HealthCheck))
    @given(file=made(), separator=st.sampled_from([",", ";"]))
    def holds(file: tuple[DatasetKind, list[Record]], separator: str) -> None:
        kind, records = file
        text, steps, _ = repaired(tmp_path, text_of(records, separator), kind, LAB)
        done.update(steps)
        if text:
            again, more, _ = repaired(tmp_path, text, kind, LAB)
            assert again == text, (steps, more)
        # A separator makes other records, so rows are compared with those of the same file with commas.
        before, after = valid(tmp_path, text_of(records), kind), valid(tmp_path, text, kind)
        lost = [row for row in before if not any(set(rows) <= after for rows in expected(row, steps))]
        assert not lost, (steps, lost)

    holds()
    assert step in done


def expected(row: Row, steps: Sequence[StepName]) -> Iterator[list[Row]]:
    """Yield what a valid row may be after the steps."""
    trimmed = tuple(cell.strip() if isinstance(cell, str) else cell for cell in row)
    if S.ARRAYS in steps and (items := texts_of(trimmed[-1])) is not None:
        yield [(*trimmed[:-1], item) for item in items]
    elif S.ORDER in steps and not str(row[0]).startswith("r"):
        yield [tuple(sorted(row, key=lambda cell: not str(cell).startswith("u")))]
    else:
        yield [row]
        if S.BLANKS in steps:
            yield [trimmed]


def texts_of(cell: object) -> list[str] | None:
    """Return the texts of an array; None if the cell is none."""
    try:
        found = json.loads(str(cell))
    except ValueError:
        return None
    if not isinstance(found, list) or not all(item is None or isinstance(item, str) for item in found):
        return None
    return [item.strip() for item in found if item and item.strip()]


def valid(folder: Path, content: str, kind: DatasetKind) -> set[Row]:
    """Return the valid rows of a file; of identifiers, only those with a name of the lab."""
    file, rows = folder / "checked", folder / "rows.parquet"
    file.write_text(content)
    rows.unlink(missing_ok=True)
    validate(file, kind, LAB, valid_rows=rows)
    if not rows.exists():
        return set()
    found = {tuple(row.values()) for row in pq.read_table(rows).to_pylist()}
    return {row for row in found if kind is not F.IDENTIFIERS or row[1] in NAMES}
