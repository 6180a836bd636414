"""`datalab check` without a dataset or a lab: what it recognises, what it proposes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datalab.kinds import DatasetKind
from tests.commands import datalab_here
from tests.recognised_files import text_of

HASHES = [f"{number:064x}" for number in range(40)]
USERS = [f"usr{number}x" for number in range(40)]
IDENTIFIERS = text_of([[user, "crm_mail", value] for user, value in zip(USERS, HASHES, strict=True)])
SEGMENTS = text_of([[user, name] for user in USERS for name in ("sport", "food", "cars")])
VECTORS = text_of([[user, "news", *["0.25"] * 8] for user in USERS])


def test_a_file_is_checked_as_what_it_looks_like(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(f"User ID,Segment\n{SEGMENTS}")
    ended = datalab_here("check", "export.csv", cwd=tmp_path)
    assert ended.code == 0
    assert "Looks like Segments: 2 columns, a header, UTF-8." in ended.out
    assert "The first row is a header" in ended.out and "121" in ended.out


def test_types_of_identifiers_are_proposals_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(IDENTIFIERS)
    ended = datalab_here("check", "export.csv", cwd=tmp_path)
    assert ended.code == 0 and "Proposed from the file, as no --lab was given" in ended.out
    assert "crm_mail: HASHED_EMAIL" in ended.out and "userId: STRING" in ended.out
    named = datalab_here("check", "identifiers", "export.csv", "--json", cwd=tmp_path)
    told = json.loads(named.out)
    assert (told["dataset"], told["validRows"], told["recognised"]["kind"]) == ("identifiers", 40, "identifiers")
    assert [one["idType"] for one in told["proposedLab"]["identifiersConfig"]] == ["STRING", "HASHED_EMAIL"]
    assert "crm_mail" not in json.dumps(told["recognised"])


def test_two_columns_and_embeddings_get_a_proposal_too(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text(text_of([[user, value] for user, value in zip(USERS, HASHES, strict=True)]))
    assert "hashed_email: HASHED_EMAIL" in datalab_here("check", "two.csv", cwd=tmp_path).out
    (tmp_path / "vectors.csv").write_text(VECTORS)
    ended = datalab_here("check", "vectors.csv", cwd=tmp_path)
    assert ended.code == 0 and "columns: userId, scope, e0 … e7" in ended.out


def test_a_file_of_another_kind_is_checked_as_asked_and_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(IDENTIFIERS)
    ended = datalab_here("check", "segments", "export.csv", cwd=tmp_path)
    assert "Looks like Identifiers: 3 columns" in ended.out and "It is checked as Segments." in ended.out
    assert "TOO_MANY_COLUMNS_PROVIDED" in ended.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty (0 bytes). Export it again."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "this is a picture, not a dataset. Export the table as CSV"),
        (b"%PDF-1.7\n", "this is a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "In Excel choose File, Save As, CSV UTF-8"),
        (text_of([[user, f"Name {user}"] for user in USERS]).encode(), "`datalab check identifiers|segments export`"),
        (b"userId,email,maid\n" + b"u1,a@b.example,4f1c2e7a-8b3d-4c5e-9f60-1a2b3c4d5e6f\n" * 9, "one row for each id"),
        (b"<html>\n<p>Sign in</p>\n</html>\n", "Not sure what this is"),
    ],
)
def test_what_is_not_certain_is_not_checked(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "export").write_bytes(content)
    ended = datalab_here("check", "export", cwd=tmp_path)
    assert ended.code == 2 and said.lower() in " ".join(ended.err.split()).lower()


def test_wrong_arguments(tmp_path: Path) -> None:
    assert "Give the FILE to check as segments" in datalab_here("check", "segments", cwd=tmp_path).err
    assert "before it the DATASET" in datalab_here("check", "a", "b", "c", cwd=tmp_path).err
    missing = datalab_here("check", "export.csv", cwd=tmp_path)
    assert missing.code == 2 and "does not exist" in missing.err
    (tmp_path / "folder").mkdir()
    assert "not a regular file" in datalab_here("check", "folder", cwd=tmp_path).err


@pytest.mark.parametrize("kind", list(DatasetKind))
def test_an_empty_file_of_a_named_dataset_keeps_its_report(tmp_path: Path, kind: DatasetKind) -> None:
    (tmp_path / "LAB.json").write_text(
        json.dumps(
            {
                "identifiersConfig": [{"idName": "userId", "idType": "STRING", "isMatchingId": True}],
                "requireEmbeddings": True,
                "numEmbeddings": 2,
            }
        )
    )
    (tmp_path / "empty.csv").write_bytes(b"")
    ended = datalab_here("check", kind.value, "empty.csv", "--lab", "LAB.json", "--json", cwd=tmp_path)
    assert json.loads(ended.out)["rows"] == 0
