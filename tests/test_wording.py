"""No text of the product is one of those that docs/wording.md says were replaced.

A long part of a replaced text is searched for anywhere, a short text only as a whole: "there" is right in a sentence.
Each of them is also planted, so that no test passes because its text could never be found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("datalab", "datalab_dagster", "assets", "resources")
LONG = 18
"""Characters from which a part of a text is that text, wherever it is."""
ROWS = 56
WITHOUT_TEXT = {"1"}
"""Rows about a state and not about a text: tests/unit/registry/test_state.py has it."""
RIGHT_ELSEWHERE = {
    ("14", "Choose …"): "the button of the page on which a dataset is chosen",
    ("18", "did not pass"): "part of a sentence after *Provision*, about a known result",
    ("24", "PASSED"): "the wire word of a report",
    ("39", "Stored."): "the state of a file while others are uploaded",
    ("51", "PASSED"): "the wire word of a report",
}
"""Row and text → why the same text is right in another place."""
_NAMES = r"\b(?:segments|root)\b(?=[:,])|\b[a-z]+\.(?:csv|json)\b"
_VARIABLE = rf"…|\{{[^}}]*\}}|'[^']*'|`[^`]*`|\S*\d\S*|{_NAMES}"
_ENDS = " .,;:?!()–…"


class Replaced(NamedTuple):
    """A text that was replaced, by the row of the table."""

    row: str
    text: str

    @property
    def parts(self) -> list[str]:
        """What does not vary, in order."""
        return [part for part in (found.strip(_ENDS) for found in re.split(_VARIABLE, self.text)) if part]

    def is_in(self, texts: Iterable[str]) -> bool:
        """Return whether a text of the product is this one or contains a long part of it."""
        fixed = [re.escape(part) for part in re.split(_VARIABLE, self.text.strip(_ENDS))]
        whole = re.compile(r"\S{0,40}".join(fixed) + r"(?:\W*\{\})?")
        long = [part for part in self.parts if len(part) >= LONG]
        return any(any(part in text for part in long) or whole.fullmatch(text.strip(_ENDS)) for text in texts)


def table() -> list[tuple[str, str, str, str]]:
    """Return number, mark, replaced and better texts of every row."""
    rows = r"^\| (\d+)( \(done\))? \| [^|]* \| ([^|]*) \| (.*) \|$"
    return re.findall(rows, (ROOT / "docs/wording.md").read_text("utf-8"), re.MULTILINE)


def quoted(row: str, texts: str) -> list[Replaced]:
    return [Replaced(row, " ".join(text.split())) for text in re.findall(r'"([^"]+)"', texts)]


def replaced() -> list[Replaced]:
    """Return the replaced texts that are not kept by the better ones."""
    found = []
    for row, _, today, better in table():
        kept = {one.text.strip(_ENDS) for one in quoted(row, better)}
        found += [one for one in quoted(row, today) if one.parts and one.text.strip(_ENDS) not in kept]
    return found


@cache
def texts() -> list[str]:
    """Return every text of the product, with single blanks."""
    found: list[str] = []
    for path in (path for source in SOURCES for path in (ROOT / source).rglob("*")):
        if path.suffix in (".py", ".j2", ".js") and "vega" not in path.name:
            found += texts_in(path.suffix, path.read_text("utf-8"))
    return sorted(set(found))


def texts_in(suffix: str, source: str) -> Iterator[str]:
    """Yield the texts of a file: strings of Python and scripts, what templates have between tags and in attributes."""
    if suffix == ".py":
        found = _strings(source)
    else:
        source = re.sub(r'"\s*\+\s*[^"\n;]{1,60}?\s*\+\s*"', "{}", source) if suffix == ".js" else source
        found = iter(re.findall(r'"((?:[^"\\\n]|\\.)*)"', source))
        if suffix == ".j2":
            plain = re.sub(r"\{%.*?%\}|\{#.*?#\}", "\n", re.sub(r"\{\{.*?\}\}", "{}", source, flags=re.DOTALL))
            found = iter([*found, *re.split(r"<[^>]*>|\n(?=\s*\n)", plain), *re.findall(r'"([^"<>]*)"', plain)])
    yield from (re.sub(r"\s+", " ", text).strip() for text in found if text.strip())


def _strings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_row_is_done_and_has_a_text_to_look_for() -> None:
    assert len(table()) == ROWS and [row for row, done, _, _ in table() if not done] == []
    assert {row for row, _, _, _ in table()} - {one.row for one in replaced()} == WITHOUT_TEXT


@pytest.mark.parametrize("one", replaced(), ids=str)
def test_a_replaced_text_is_gone(one: Replaced) -> None:
    is_there = one.is_in(texts())
    if (one.row, one.text) in RIGHT_ELSEWHERE:
        assert is_there, "it need not be among those that are right elsewhere"
    else:
        assert not is_there, f"row {one.row} of docs/wording.md says that it is replaced"


@pytest.mark.parametrize("one", replaced(), ids=str)
def test_a_replaced_text_would_be_found(one: Replaced) -> None:
    varied = re.sub(_VARIABLE, "{value}", one.text)
    filled = varied.replace("{value}", "{{ value }}")
    joined = varied.replace("{value}", '" + value + "')
    planted = {".py": f"said = f{varied!r}", ".j2": f"<p>\n  {filled}</p>", ".js": f'say("{joined}");'}
    for suffix, source in planted.items():
        assert one.is_in(list(texts_in(suffix, source))), suffix


def test_better_texts_are_found_in_the_same_way() -> None:
    rows = {row for row, _, _, better in table() if any(one.is_in(texts()) for one in quoted(row, better) if one.parts)}
    assert len(rows) >= ROWS // 2, "the texts of the product are not read"
