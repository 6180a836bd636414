"""How large a definition may be: exactly the limit is accepted, one more is not; earlier definitions are only read."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from datalab.errors import ConfigurationError, LabTooLarge
from datalab.kinds import DatasetKind
from datalab.lab import STORED, LabDefinition, lab_from_dict, load_lab, require_limits
from datalab.lab_limits import DEFINITION_BYTES, LONGEST_NAME, MOST_EMBEDDINGS, MOST_IDENTIFIERS
from datalab.validation.stream import validate
from tests.labs import MATCHED_USER_ID, wire_lab

MANY = [{"idName": f"id{number}", "idType": "STRING"} for number in range(MOST_IDENTIFIERS)]


def with_name(name: str) -> dict[str, Any]:
    return wire_lab(MATCHED_USER_ID, {"idName": name, "idType": "STRING"})


BEYOND = [
    pytest.param(wire_lab(numEmbeddings=2_000_000_000), "numEmbeddings: At most 10,000 columns", id="embeddings"),
    pytest.param(wire_lab(numEmbeddings=MOST_EMBEDDINGS + 1), "numEmbeddings: At most 10,000 columns", id="one more"),
    pytest.param(
        wire_lab(MATCHED_USER_ID, *MANY), "identifiersConfig: At most 100 entries are possible; there are 101", id="ids"
    ),
    pytest.param(wire_lab(collaborationTypes=["OVERLAP"] * 101), "collaborationTypes: At most 100 entries", id="types"),
    pytest.param(wire_lab(name="n" * (LONGEST_NAME + 1)), "name: A name has at most 255 characters", id="lab's name"),
    pytest.param(wire_lab(name="two\nlines"), "name: A name may hold printable characters only", id="line end"),
    pytest.param(wire_lab(name="\x1b[2J"), "name: A name may hold printable characters only", id="escape"),
    pytest.param(wire_lab(publisherEmail="e" * 256), "publisherEmail: A name has at most 255", id="e-mail"),
    pytest.param(with_name("n" * 256), "identifiersConfig[1].idName: A name has at most 255", id="identifier's name"),
    pytest.param(with_name("a\x00b"), "identifiersConfig[1].idName: A name may hold printable", id="null character"),
    pytest.param(with_name(" \u200d\u3164"), "identifiersConfig[1].idName: A name needs a character", id="invisible"),
]


@pytest.mark.parametrize(("wire", "problem"), BEYOND)
def test_what_is_beyond_a_limit_is_refused_and_says_which(wire: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        lab_from_dict(wire)
    assert f"\n  - {problem}" in str(refused.value)


@pytest.mark.parametrize(("wire", "problem"), BEYOND)
def test_a_stored_definition_opens_and_nothing_is_computed_with_it(
    wire: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    lab = LabDefinition.model_validate(wire, context=STORED)
    (tmp_path / "input").write_text("u1\n")
    begun = time.monotonic()
    with pytest.raises(LabTooLarge, match=re.escape(problem)) as refused:
        validate(tmp_path / "input", DatasetKind.IDENTIFIERS, lab, valid_rows=tmp_path / "valid.parquet")
    assert time.monotonic() - begun < 1
    assert "Make a new lab within the limits and provision the datasets to that one" in str(refused.value)
    assert isinstance(refused.value, ConfigurationError), "exit 2; over HTTP a validation error"
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


@pytest.mark.parametrize(
    "wire",
    [
        wire_lab(numEmbeddings=MOST_EMBEDDINGS, requireEmbeddings=True),
        wire_lab(MATCHED_USER_ID, *MANY[1:]),
        wire_lab(name="ü" * LONGEST_NAME),
        wire_lab(name=""),
        wire_lab(name="Räder\u2009&\u00a0Co 👩\u200d🔬"),
        with_name(" padded "),
    ],
    ids=["embeddings", "identifiers", "name", "no name", "spaces and joiners", "padded"],
)
def test_what_is_within_the_limits_is_accepted(wire: dict[str, Any]) -> None:
    require_limits(lab_from_dict(wire))


def test_a_file_that_is_no_definition_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "lab.json").open("wb") as file:
        file.truncate(DEFINITION_BYTES + 1)
    with pytest.raises(ConfigurationError, match="longer than 1 MiB"):
        load_lab(tmp_path / "lab.json")


def test_a_list_without_end_is_not_examined() -> None:
    begun = time.process_time()
    with pytest.raises(ConfigurationError, match="At most 100 entries"):
        lab_from_dict({"identifiersConfig": [{"idName": 1}] * 1_000_000})
    assert time.process_time() - begun < 1
