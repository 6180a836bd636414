"""Every rule, document and heading that code, tests and documents point to is in the repository."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = {".py", ".md", ".sql", ".sh", ".toml", ".yaml", ".yml", ".j2"}
ELSEWHERE = {"LICENSE.md", "CONTEXT.md"}
"""Documents of other projects, which docs/style.md names."""


@cache
def tracked() -> tuple[Path, ...]:
    """Return the text files of the repository, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    files = (ROOT / name for name in listed if name and Path(name).suffix in TEXT | {""})
    return tuple(file for file in files if file.is_file() and file != Path(__file__))


@cache
def read(file: Path) -> str:
    return file.read_text("utf-8", "replace")


def slug(heading: str) -> str:
    """Return the anchor of a heading, by the rule of the site's generator.

    >>> slug("7.3 Record `parser`, again")
    '73-record-parser-again'
    """
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def prose(text: str) -> str:
    """Return Markdown without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


@cache
def anchors(file: Path) -> frozenset[str]:
    """Return the anchors of a document; headings of the same name differ by a number."""
    found: list[str] = []
    text = re.sub(r"^ *```.*?^ *```", "", read(file), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#{1,6} +(.*?)\s*$", text, re.MULTILINE):
        name = slug(heading)
        same = sum(re.fullmatch(rf"{re.escape(name)}(_\d+)?", other) is not None for other in found)
        found.append(f"{name}_{same}" if same else name)
    return frozenset(found)


DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_documents_lead_to_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(read(document))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_references_to_documents_lead_to_a_file_and_a_heading() -> None:
    wrong = []
    for file in set(tracked()) - {ROOT / "docs" / "design.md"}:  # it also names what comes later
        for path, _, anchor in re.findall(r"(?<![\w/.])(docs/[\w./-]+\.md)(#([\w-]+))?", read(file)):
            target = ROOT / path
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{file.relative_to(ROOT)}: {path}#{anchor}")
    assert not wrong


def test_no_rule_book_is_named_that_the_repository_does_not_hold() -> None:
    held = {file.name for file in tracked()} | ELSEWHERE
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in tracked()
        for name in re.findall(r"(?<![\w-])[A-Z]{3,}\.md\b", read(file))
        if name not in held
    ]
    assert not wrong


def test_no_rule_is_named_by_its_bare_number() -> None:
    """`Q14`, `(7.2)` and `section 13` do not say of which document."""
    bare = re.compile(r"\bQ\d{1,2}\b|(?<!\w)\(\d{1,2}\.\d\)|(?<!, )\b[Ss]ections? \d{1,2}\b")
    wrong = []
    for file in tracked():
        if file.suffix in {".py", ".sql"}:
            for line in read(file).splitlines():
                words = re.findall(r'#.*|^[^=\[\]{}]*$|""".*', line)
                if not line.lstrip().startswith(">>>") and any(bare.search(part) for part in words):
                    wrong.append(f"{file.relative_to(ROOT)}: {line.strip()}")
    assert not wrong
