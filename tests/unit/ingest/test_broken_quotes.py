"""Whether a field that holds a line break ends in a broken quote: the search agrees with a state machine of its own."""

from __future__ import annotations

import random

import pytest

from datalab.ingest.quotes import Quoting, quoting_of, swallows_line_ends
from datalab.ingest.records import read_block
from datalab.ingest.split import Block


def is_broken(text: str) -> bool:
    """The rule, character by character (docs/spec/cases.md#names-that-must-not-be-shown)."""
    state, holds_break, found = "start", False, False
    for char in text:
        if state == "quoted":
            state = "quote" if char == '"' else state
            holds_break = holds_break or char in "\r\n"
        elif state == "quote" and char == '"':
            state = "quoted"
        elif char in ",\r\n":
            state = "start"
        elif state == "start" and char == '"':
            state, holds_break = "quoted", False
        else:
            found = found or (state == "quote" and holds_break)
            state = "unquoted"
    return found or (state == "quoted" and holds_break)


def test_the_search_agrees_with_the_rule() -> None:
    chance, seen = random.Random(15), [0, 0]
    for _ in range(6_000):
        data = "".join(chance.choices('ab,,"""\n\n\r', k=chance.randrange(1, 25))).encode().replace(b"\r\n", b"\n")
        quoting, expected = quoting_of(data), is_broken(data.decode())
        seen[expected] += 1
        if quoting is Quoting.IRREGULAR:
            assert read_block(Block(data, quoting), 2).broken_quote is expected, data
        else:
            assert not expected, data
    assert min(seen) > 1_000


@pytest.mark.parametrize("rows", [1, 1_000])
def test_regular_and_merely_odd_quotes_are_not_broken(rows: int) -> None:
    for line in (b'u1,"a, b\nc"\n', b'u1,5" tv\n', b'u1,"closed"badly\n', b'u1,"a ""b""\n"\n'):
        data = line * rows
        assert read_block(Block(data, Quoting.IRREGULAR), 2).broken_quote is False


def test_a_field_that_ends_with_the_text_is_found_behind_any_number_of_rows() -> None:
    for end in (b'u2,"open\n', b'u2,"open\n\n\n', b'u2,"open\nu3,x'):
        data = b'u1,a"b\n' * 1_000 + end
        records = read_block(Block(data, Quoting.IRREGULAR), 2)
        assert records.broken_quote and records.count == 1_001 and swallows_line_ends(data, 1_001)
