"""`datalab repair`: the proposal, the question, the copy, and what is refused."""

from __future__ import annotations

from pathlib import Path

from tests.commands import datalab_here
from tests.recognised_files import text_of

USERS = [f"usr{number}x" for number in range(40)]
SEGMENTS = [[user, name] for user in USERS for name in ("sport", "food", "cars")]
SPOILED = text_of([["User ID", "Segment"], *SEGMENTS], ";")


def test_a_proposal_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SPOILED)
    ended = datalab_here("repair", "export.csv", cwd=tmp_path)
    assert ended.code == 0 and "Looks like Segments" in ended.out and "Nothing was written." in ended.out
    assert "separator" in ended.out and "header" in ended.out and "100.0%" in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["export.csv"]


def test_a_copy_is_written_when_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SPOILED)
    asked = datalab_here("repair", "export.csv", "--out", "good.csv", cwd=tmp_path)
    assert asked.code == 2 and "--step" in asked.err and not (tmp_path / "good.csv").exists()
    ended = datalab_here("repair", "export.csv", "--out", "good.csv", "--yes", "--json", cwd=tmp_path)
    assert ended.code == 0 and (tmp_path / "good.csv").read_text() == text_of(SEGMENTS)
    assert (tmp_path / "good.csv").stat().st_mode & 0o777 == 0o600
    told = ended.json
    assert [step["name"] for step in told["steps"]] == ["separator", "header"]
    assert told["before"] == {"rows": 121, "validRows": 0} and told["after"] == {"rows": 120, "validRows": 120}
    assert (tmp_path / "export.csv").read_text() == SPOILED
    clean = datalab_here("repair", "good.csv", "--out", "again.csv", "--yes", cwd=tmp_path)
    assert clean.code == 0 and "Nothing to repair" in clean.out and not (tmp_path / "again.csv").exists()


def test_chosen_steps_need_no_question(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(text_of([["User ID", "Segment"], *SEGMENTS]))
    ended = datalab_here("repair", "export.csv", "--step", "header", "--out", "good.csv", cwd=tmp_path)
    assert ended.code == 0 and "Valid now: 120 of 120 rows (100.0%)." in ended.out
    none = datalab_here("repair", "export.csv", "--step", "hash", "--out", "good.csv", cwd=tmp_path)
    assert none.code == 2 and "The steps of this file are: header." in none.err


def test_wrong_calls(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(text_of([[user, f"Name {user}"] for user in USERS]))
    unsure = datalab_here("repair", "export.csv", cwd=tmp_path)
    assert unsure.code == 2 and "--kind identifiers|segments" in unsure.err
    same = datalab_here("repair", "export.csv", "--kind", "segments", "--out", "export.csv", cwd=tmp_path)
    assert same.code == 2 and "another file" in same.err
    assert datalab_here("repair", "missing.csv", cwd=tmp_path).code == 2
