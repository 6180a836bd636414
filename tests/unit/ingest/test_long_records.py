"""Records that are too long, against a walk over the characters; the limit is lowered, so that texts stay small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datalab.ingest import limits
from datalab.ingest.limits import RecordTooLongError
from datalab.ingest.records import read_block
from datalab.ingest.split import Splitter
from datalab.ingest.text import TextMember
from tests.labs import Checked

LIMIT = 8


def lengths_of_records(text: str) -> Iterator[int]:
    """Yield the length of every record with its quotes and without its line end; empty lines are none."""
    length, state = 0, "begin"
    for character in text:
        if character in "\r\n" and state != "quoted":
            if length:
                yield length
            length, state = 0, "begin"
            continue
        length += 1
        if state == "quoted":
            state = "closed" if character == '"' else "quoted"
        elif state == "closed" and character == '"':
            state = "quoted"
        elif character == ",":
            state = "begin"
        else:
            state = "quoted" if character == '"' and state == "begin" else "plain"
    if length:
        yield length


def records_before_a_long_one(text: bytes, chunk: int, most_records: int) -> tuple[int, bool]:
    """Return how many records can be read, and whether the next one is too long."""
    chunks = (text[start : start + chunk] for start in range(0, len(text), chunk))
    splitter = Splitter(most_records)
    found = 0
    try:
        for block in splitter.split(chunks):
            found += read_block(block, 2).count
    except RecordTooLongError:
        return found, True
    finally:
        splitter.close()
    return found, False


@given(
    st.lists(st.sampled_from(["a", "a", "aaa", '"', '""', ",", "\n", "\n", "\r", "\r\n"]), max_size=40).map("".join),
    st.sampled_from([1, 3, 16, 1000]),
    st.sampled_from([1, 3, 1000]),
)
@example("a" * LIMIT + "\n" + "a" * (LIMIT + 1), 1000, 1000)
@example("b\n\n" + "a" * LIMIT + "\r\n" + "a" * LIMIT + "\r", 3, 1000)
@example('b\n"' + "a\n" * LIMIT, 1, 1000)
def test_the_first_record_that_is_too_long_is_found(text: str, chunk: int, most_records: int) -> None:
    lengths = list(lengths_of_records(text))
    too_long = next((number for number, length in enumerate(lengths) if length > LIMIT), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "RECORD_BYTES", LIMIT)
        found = records_before_a_long_one(text.encode(), chunk, most_records)
    assert found == ((len(lengths), False) if too_long is None else (too_long, True))


@pytest.mark.parametrize("before", ["", "u1,s1\n\n \nu2,s2\n"], ids=["first", "later"])
@pytest.mark.parametrize(
    "long",
    ["a" * 200, '"' + "u4,s4\n" * 50, "a" * 100 + "é" * 50 + "\n" + "u9,s9\n" * 10],
    ids=["one line", "open quote", "line in the middle"],
)
def test_a_record_that_is_too_long_fails_the_file(
    check: Callable[..., Checked], monkeypatch: pytest.MonkeyPatch, before: str, long: str
) -> None:
    monkeypatch.setattr(limits, "RECORD_BYTES", 199)
    monkeypatch.setattr(TextMember.chunks, "__defaults__", (64,))
    checked = check("segments", before + long)
    row = 3 if before else 0
    [error] = checked.report["schema"]["recordedErrors"]
    assert checked.report["outcome"] == "FAILED" and checked.rows == [["user_id", "segment"]]
    assert (error["code"], error["row"]) == ("RECORD_TOO_LONG", 0)
    assert error["message"] == (
        f"Record {row} is longer than 16 MiB. Most often a quote is never closed; look near row {row}."
    )


def test_a_record_of_exactly_the_limit_is_read(check: Callable[..., Checked], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RECORD_BYTES", 200)
    value = "é" * 98
    checked = check("segments", f"a,{value}ab\r\nu2,s2\r\n")
    assert checked.rows[1:] == [["a", f"{value}ab"], ["u2", "s2"]]


def test_the_space_of_what_is_too_long_is_not_kept(check: Callable[..., Checked], tmp_path: Path) -> None:
    """The real limit, a little exceeded: nothing of the record is in the report."""
    checked = check("segments", b"u1,s1\n" + b"a" * (limits.RECORD_BYTES + 1))
    assert [error["code"] for error in checked.report["schema"]["recordedErrors"]] == ["RECORD_TOO_LONG"]
    assert len(str(checked.document)) < 10_000
