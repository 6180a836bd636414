"""Arrays that Arrow takes apart have the items that a parser of JSON finds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from datalab.ingest.repair.arrays import items_of
from datalab.ingest.split import WHITE_SPACE

ITEM = st.one_of(
    st.text('ab ,[]{}"\\\u00a0\u2028\x1f\né', max_size=4),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from([None, True, [], {}, "\ud800"]),
)
BLANK = st.text(" \t\n\r\f\u00a0", max_size=2)


@st.composite
def cells(draw: st.DrawFn) -> str:
    """The text of an array with blanks, or nearly."""
    items = [json.dumps(item, ensure_ascii=draw(st.booleans())) for item in draw(st.lists(ITEM, max_size=4))]
    items = [item for item in items if not any("\ud800" <= character <= "\udfff" for character in item)]
    text = ",".join(draw(BLANK) + item + draw(BLANK) for item in items)
    text = f"{draw(BLANK)}[{text}]{draw(BLANK)}"
    return draw(st.one_of(st.just(text), st.text('[]",a1.-', max_size=8)))


def expected(cell: str) -> list[str] | None:
    """What the step writes for a cell; None: it stays."""
    try:
        found: Any = json.loads(cell, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(item is None or type(item) is str for item in found):
        return None
    texts = [item.strip(WHITE_SPACE) for item in found if item is not None]
    if any(text.startswith("[") or any("\ud800" <= one <= "\udfff" for one in text) for text in texts):
        return None
    return list(dict.fromkeys(text for text in texts if text))


@given(st.lists(st.tuples(cells(), st.booleans()), max_size=6))
@example([('["a", "b","a",""]', True), ("[1, 2.50,1]", True), ('["[1]"]', True), ('["\\u0061"]', True), ("[]", True)])
@example([('["\u00a0[1]"]', True), ('["a\x1f"]', True), ("[01]", True), ('["a",1]', True), ('["a"]\f', True)])
def test_the_items_are_those_of_the_parser(given_cells: list[tuple[str, bool]]) -> None:
    column = pa.array([cell for cell, _ in given_cells], pa.string())
    wanted = np.array([is_wanted for _, is_wanted in given_cells], bool)
    found = items_of(column, wanted)
    by_row = [[text for row, text in zip(found.rows, found.texts.to_pylist(), strict=True) if row == number]
              for number in range(len(given_cells))]  # fmt: skip
    assert list(found.rows) == sorted(found.rows)
    for number, (cell, is_wanted) in enumerate(given_cells):
        texts = expected(cell) if is_wanted else None
        assert (found.is_array[number], by_row[number]) == (texts is not None, texts or []), cell
