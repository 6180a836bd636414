"""No text of the finished folders uses a phrase of the left column of docs/style.md#english.

A row of that table has one pattern here: for its kind of phrase, not for the quoted sentence alone.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FINISHED = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Makefile",
    "demo.sh",
    "benchmarks/",
    "scripts/",
    "docs/",
    "datalab/__init__.py",
    "datalab/codes.py",
    "datalab/collaboration.py",
    "datalab/connectors/",
    "datalab/dashboard/",
    "datalab/deployment/",
    "datalab/engines/",
    "datalab/errors.py",
    "datalab/formats.py",
    "datalab/home/",
    "datalab/id_types.py",
    "datalab/ingest/",
    "datalab/kinds/",
    "datalab/lab.py",
    "datalab/lab_limits.py",
    "datalab/locks.py",
    "datalab/registry/",
    "datalab/results/",
    "datalab/sample/",
    "datalab/scratch.py",
    "datalab/statistics/",
    "datalab/storage/",
    "datalab/validation/",
    "datalab_dagster/",
    "assets/",
    "resources/",
    "tests/",
)
"""Files, and folders with a slash at their end, whose texts are written in this English; only these are searched."""

ENDINGS = {".py", ".md", ".ipynb", ".j2", ".js", ".css", ".sql", ".sh", ""}

NOT_SEARCHED = {
    "docs/style.md": "quotes the phrases",
    "docs/wording.md": "quotes the phrases",
    "docs/spec/": "bound texts, and the words of the issue",
    "datalab/dashboard/static/vega-bundle.js": "a library of others",
    "tests/test_english.py": "holds the patterns",
}

ALLOWED = {
    "docs/design.md": {"mend", "mistake"},
    "datalab/errors.py": {"mistakes", "mistake"},
    "datalab/home/errors.py": {"mistakes", "mistake"},
    "datalab/registry/programs.py": {"nobody"},
    "datalab_dagster/portal/pages/draft.py": {"mistakes"},
    "datalab_dagster/portal/pages/wizard.py": {"mistakes"},
    "datalab_dagster/service/http_errors.py": {"mistakes", "mistake"},
    "scripts/vendor/behaviour.py": {"Everybody"},
    "tests/portal/test_changes.py": {"mistakes"},
    "tests/unit/home/test_settings.py": {"mistakes"},
    "tests/unit/registry/test_database.py": {"nobody"},
    "tests/unit/test_lab.py": {"mistakes"},
}
"""Words that a file needs: words to avoid, a key of error details over HTTP, the name of a system user, a cause of runs
that homes store, a wrong type of access list."""

PATTERNS = {
    "where keys are kept is not known here": r"\b(?:is|are) not known here\b",
    "Tell whether the role allows it": r"\b[Tt]ells? (?:whether|of|how|what|if|who|in which)\b",
    "The job goes on; ask again": r"\b(?:goes|go|going|gone|went) on\b(?! the)",
    "A later run on them broke off": r"\b(?:broke|breaks?|breaking|broken) off\b",
    "a run is begun again": r"\b(?:begun|begins?|began|begin) (?:it |them )?again\b",
    "So many segments are drawn": r"\bso many \w+ are\b|\bSo many\b|\b[Uu]p to so many\b",
    "So long a deployment may be out of reach": r"\bSo (?:long|much|few|often|far)\b",
    "how far a run is": r"\bhow far (?:an?|the|its?|each|every|this)\b|\bhow (?:(?:a|the) \w+|it|they) stands?\b",
    "the users that lie in scratch": r"\blies? (?:in|at|under|below|beside|there|here|on)\b|\bstands? in the page\b",
    "as it stands in the": r"\bas (?:it|they) stands?\b",
    "see above for what to mend": r"\bmend(?:s|ed|able|ing)?\b",
    "this is a mistake in the program": r"\bmistakes?\b",
    "Beside the report, in the summary": r"\b[Bb]esides? (?:the|it|its|a|each|every|them|this)\b|\banew\b",
    "a validation starts by itself": r"\bby (?:itself|themselves)\b",
    "Whoever has not ended": r"\b[Ww]hoever\b|\b(?:is|are|was|were) told\b|\btold (?:about|apart|from)\b",
    "Somebody else listens": r"\b(?:[Ss]omebody|[Nn]obody|[Aa]nybody|[Ee]verybody)\b",
    "who asks: events": r"\bwho asks\b",
    "which identifiers he has": r"\b(?:[Hh]e|[Hh]is|[Hh]im|[Hh]imself)\b",
    "A verification key is taken and not needed": r"\btaken and not needed\b|\btaken, without effect\b",
    "It is none of a Data Lab": r"\bnone of a\b",
    "Held already": r"\b[Hh]eld already\b",
    "Told.": r"\bTold\b",
    "large files had better go part by part": r"\bhad better\b|\bpart by part\b",
    "This is a mistake of ours": r"\bof ours\b",
    "Wait for ever": r"\bfor ever\b|\bgiven up\b|\bother ones\b",
    "See to it that the datasets": r"\b(?:[Ss]ee|[Ss]ees|seen) to (?:it|both|that)\b",
    "Who provisions while no daemon runs": r"(?:^|[.:;] |\")Who (?:\w+s) (?:\w+ )*(?:has|have|may|must|looks|gets)\b",
    "Tell all steps of a run": r"\b[Tt]ell (?:all|every|the|them|it)\b|\btwo looks\b",
    "patiently": r"\b(?:patiently|told_safely|rehearse|belongs_here|looked)\b",
}
"""How a row of the table begins → what no text may contain."""


@cache
def rows() -> tuple[str, ...]:
    """Return the left column of the table."""
    section = (ROOT / "docs" / "style.md").read_text("utf-8").partition("## English")[2]
    cells = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return tuple(cell for cell in cells if cell != "found")


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return name and text of every searched file."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(
        (name, (ROOT / name).read_text("utf-8"))
        for name in listed.split("\0")
        if name.startswith(FINISHED)
        and not name.startswith(tuple(NOT_SEARCHED))
        and Path(name).suffix in ENDINGS
        and (ROOT / name).is_file()
    )


def test_every_row_of_the_table_has_a_pattern() -> None:
    without = [row for row in rows() if not any(row.startswith(start) for start in PATTERNS)]
    assert not without, "rows of docs/style.md#english without a pattern"
    unused = [start for start in PATTERNS if not any(row.startswith(start) for row in rows())]
    assert not unused, "patterns without a row in docs/style.md#english"


@pytest.mark.parametrize("row", rows())
def test_a_pattern_finds_its_row(row: str) -> None:
    assert any(row.startswith(start) and re.search(pattern, row) for start, pattern in PATTERNS.items())


@pytest.mark.parametrize("start", PATTERNS)
def test_no_text_contains_the_phrase(start: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for match in re.finditer(PATTERNS[start], line)
        if match.group() not in ALLOWED.get(name, ())
    ]
    assert not found, "docs/style.md#english says how to write it:\n" + "\n".join(found)


def test_everything_listed_exists() -> None:
    for name in (*FINISHED, *NOT_SEARCHED, *ALLOWED):
        assert (ROOT / name).exists(), name
