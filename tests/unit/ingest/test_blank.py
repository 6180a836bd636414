"""Blank lines that are held back: what comes out is what went in, without empty lines, and little is kept."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest import blank
from datalab.ingest.blank import BlankLines


@given(st.lists(st.sampled_from([" ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\u3000"]), max_size=30), st.data())
def test_what_was_held_back_comes_out_without_empty_lines(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces).encode()
    kept = BlankLines()
    for _ in range(2):  # it can be filled again
        position = 0
        while position < len(text):
            size = data.draw(st.integers(1, 5))
            kept.add(text[position : position + size])
            position += size
        assert kept.ends_line is (not without_empty_lines(text) or without_empty_lines(text).endswith(b"\n"))
        released = list(kept.release())
        assert without_empty_lines(b"".join(piece for piece, _ in released)) == without_empty_lines(text)
        whole = b"".join(piece for piece, is_whole in released if is_whole)
        assert not whole or whole.endswith(b"\n")
    kept.close()


def without_empty_lines(text: bytes) -> bytes:
    lines = text.split(b"\n")
    return b"\n".join([*(line for line in lines[:-1] if line not in (b"", b"\r")), lines[-1]])


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"  \t\n", "\u3000\n".encode()])
def test_little_is_kept_in_memory(line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times what may be in memory; empty lines take no place at all."""
    monkeypatch.setattr(blank, "_IN_MEMORY", 1 << 10)
    kept = BlankLines(tmp_path)
    times = (1 << 10) // len(line)
    for _ in range(100):
        kept.add(line * times)
    assert not isinstance(kept._file, io.BytesIO) or kept._file.tell() <= 1 << 10
    released = sum(len(piece) for piece, _ in kept.release())
    assert released == (100 * times * len(line) if line.strip(b"\r\n") else 0)
    assert list(tmp_path.iterdir()) == []
