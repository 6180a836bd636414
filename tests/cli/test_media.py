"""`datalab media preflight`: its exit codes, what it writes and prints, and that no value of a row is in it."""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import Ended
from tests.rooms import command

pytestmark = pytest.mark.slow

SECRET_USER, SECRET_ID, SECRET_SEED = "secret-user", "secret-id", "secret-seed"
USERS = [f"{SECRET_USER}{number}" for number in range(20)]
FILES = {
    "identifiers": "".join(f"{user},hem,{SECRET_ID}{user[-2:]}\n" for user in USERS),
    "segments": "".join(f"{user},s{number}\n" for user in USERS for number in range(10)),
    "seed": "".join(f"{SECRET_ID}{user[-2:]},shoes\n" for user in USERS[:5]) + f"{SECRET_SEED},shoes\n",
}
ROOM: dict[str, Any] = {
    "title": "Shoes in spring",
    "dcr": {
        "matchingIdType": "STRING",
        "collaborationTypes": ["OVERLAP", "INSIGHTS", "REMARKETING", "RULE_BASED", "LOOKALIKE"],
        "showMatchRate": True,
    },
    "lab": {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isActivationId": True},
            {"idName": "hem", "idType": "STRING", "isMatchingId": True},
        ],
        "requireSegments": True,
    },
    "audiences": [
        {"id": "r", "name": "r", "definition": {"kind": "REMARKETING", "seedAudienceRef": {"audienceType": "shoes"}}}
    ],
    "privacy": {"audience_rounding": 1, "segment_rounding": 1, "min_overlap": 0, "min_export": 0, "min_training": 1},
}


def run(folder: Path, room: dict[str, Any] | str = "", here: bool = True, **files: str | bytes) -> Ended:
    """Run the command on the files, some of them replaced."""
    path = folder / "room.json"
    path.write_text(room if isinstance(room, str) and room else json.dumps(room or ROOM))
    paths = {}
    for name, content in {**FILES, **files}.items():
        if content is not None:
            paths[name] = folder / f"{name}.csv"
            paths[name].write_bytes(content if isinstance(content, bytes) else content.encode())
    return command(path, paths, folder / "out", here=here)


def results(folder: Path) -> Any:
    return json.loads((folder / "out" / "results.json").read_bytes())


def changed(part: str, **keys: Any) -> dict[str, Any]:
    room = copy.deepcopy(ROOM)
    room[part] |= keys
    return room


def test_a_room_is_answered_through_the_command_itself(tmp_path: Path) -> None:
    ended = run(tmp_path, here=False)
    assert ended.code == 0, ended.err
    found = results(tmp_path)
    assert found["overlap"]["overlap_statistics"][0]["match_rate"] == 0.833
    assert found["user_lists"]["r"] == sorted(USERS[:5])
    assert list(found) == [
        "seed_report", "seed_audiences", "attributes", "overlap", "insights", "estimates", "seed_estimates",
        "user_lists", "lookalike_statistics", "staleness",
    ]  # fmt: skip
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written == {
        "results.json", "validation-status.json", "seed/validation-report.json",
        "identifiers/validation-report.json", "segments/validation-report.json",
    }  # fmt: skip
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert ended.out.startswith("Shoes in spring\n") and "do not share" in ended.out
    for marker in (SECRET_USER, SECRET_ID, SECRET_SEED):
        assert marker not in ended.out + ended.err


def test_seeds_of_every_form_are_the_same(tmp_path: Path) -> None:
    ids = [line.split(",")[0] for line in FILES["seed"].splitlines()]
    zipped, parquet = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("seed.csv", FILES["seed"])
    pq.write_table(pa.table({"a": ids, "b": ["shoes"] * len(ids)}), parquet)
    for seed in (FILES["seed"].encode(), gzip.compress(FILES["seed"].encode()), zipped.getvalue(), parquet.getvalue()):
        assert run(tmp_path, seed=seed).code == 0
        assert results(tmp_path)["estimates"] == {"r": {"userId": 5}}
    one_column = io.BytesIO()
    pq.write_table(pa.table({"a": ids}), one_column)
    for seed in ("".join(f"{one}\n" for one in ids).encode(), one_column.getvalue()):
        assert run(tmp_path, seed=seed).code == 0
        assert results(tmp_path)["seed_estimates"] == {"All users": {"userId": 5}}
        assert results(tmp_path)["staleness"]["r"]["missingSeedAudiences"] == ["shoes"]


def test_the_seed_is_validated_like_every_dataset(tmp_path: Path) -> None:
    room = changed("dcr", matchingIdType="HASHED_EMAIL")
    room["lab"]["identifiersConfig"][1]["idType"] = "HASHED_EMAIL"
    good, bad = "a" * 64, "A" * 64
    seed = f"{good},\n{good},0\n{bad},0\n,0\n{good},0\n{good}\n{good},0,x\n"
    identifiers = f"u1,hem,{good}\n"
    assert run(tmp_path, room, seed=seed, identifiers=identifiers, segments="u1,s\n").code == 1
    found = results(tmp_path)
    assert found["seed_report"] == {
        "total_rows": 7,
        "valid_rows": 2,
        "invalid_rows": 5,
        "invalid_rows_by_reason": {
            "DUPLICATE_VALUES": 1,
            "EMPTY_CELL": 1,
            "INVALID_SHA256_HEX_FORMAT": 1,
            "NOT_ENOUGH_COLUMNS_PROVIDED": 1,
            "TOO_MANY_COLUMNS_PROVIDED": 1,
        },
    }
    assert [entry["audienceType"] for entry in found["seed_audiences"]] == ["", "0"]
    report = json.loads((tmp_path / "out" / "seed" / "validation-report.json").read_bytes())["report"]
    assert [column["numErrorsTotal"] for column in report["columns"]] == [2]
    assert f"Value '{bad}' is not of its id type" in json.dumps(report)


def test_an_empty_seed_and_one_of_unknown_ids_have_results(tmp_path: Path) -> None:
    assert run(tmp_path, seed="").code == 0
    assert results(tmp_path)["overlap"] == {"overlap_statistics": []}
    assert results(tmp_path)["estimates"] == {"r": {"userId": 0}}
    assert run(tmp_path, seed="nothing,shoes\n").code == 0
    assert results(tmp_path)["overlap"]["overlap_statistics"][0]["overlap_size"] == 0


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"seed": b"PK\x03\x04 damaged"}, "SEED_FAILED"),
        ({"segments": b"\x1f\x8b\x08 damaged"}, "BASE_FAILED"),
        ({"segments": b"\x1f\x8b\x08 damaged", "seed": b"PK\x03\x04 damaged"}, "BASE_FAILED"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(files: dict[str, bytes], code: str, tmp_path: Path) -> None:
    ended = run(tmp_path, **files)
    assert ended.code == 1 and code in ended.err
    assert results(tmp_path) == {"error": code}
    assert (tmp_path / "out" / "validation-status.json").exists()


def test_exactly_one_identifier_must_fit(tmp_path: Path) -> None:
    ended = run(tmp_path, changed("dcr", matchingIdType="EMAIL"))
    assert ended.code == 1 and "exactly one identifier of type EMAIL" in ended.err
    assert results(tmp_path) == {"error": "INCOMPATIBLE_MATCHING_ID"}


def test_a_lab_that_would_not_be_ready_is_calculated_and_reported(tmp_path: Path) -> None:
    segments = "".join(f"{user},s1\n" for user in USERS)
    ended = run(tmp_path, segments=segments)
    assert ended.code == 1
    assert "TOO_FEW_SEGMENTS" in ended.err
    assert results(tmp_path)["estimates"] == {"r": {"userId": 5}}


def test_a_lab_without_what_a_type_needs_is_calculated_and_reported(tmp_path: Path) -> None:
    room = changed("lab", requireSegments=False)
    path = tmp_path / "room.json"
    path.write_text(json.dumps(room))
    files = {name: tmp_path / f"{name}.csv" for name in ("identifiers", "seed")}
    for name, file in files.items():
        file.write_text(FILES[name])
    ended = command(path, files, tmp_path / "out")
    assert ended.code == 1
    assert "INSIGHTS needs a segments dataset with valid rows." in ended.err
    assert results(tmp_path)["insights"]["audiences"] == [{"audience_type": "shoes", "aggregations": []}]


def test_a_wrong_room_or_call_writes_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, changed("dcr", showMatchRat=True, matchingIdType="EMIAL"))
    assert ended.code == 2
    assert "dcr.showMatchRat: Unknown key; did you mean 'showMatchRate'?" in ended.err
    assert "did you mean 'EMAIL'?" in ended.err
    assert not (tmp_path / "out").exists()
    ended = command(tmp_path / "room.json", {"identifiers": tmp_path / "identifiers.csv"}, tmp_path / "out")
    assert ended.code == 2
    run(tmp_path)
    gone = {name: tmp_path / f"{name}.csv" for name in FILES} | {"seed": tmp_path / "gone.csv"}
    assert command(tmp_path / "room.json", gone, tmp_path / "elsewhere").code == 2
    assert not (tmp_path / "elsewhere" / "results.json").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_not_possible(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    assert run(tmp_path).code == 3


def test_a_header_in_the_seed_is_pointed_out(tmp_path: Path) -> None:
    ended = run(tmp_path, seed=f"matching_id,audience_type\n{FILES['seed']}")
    assert "Seed: " in ended.err and "header" in ended.err.lower()


@pytest.mark.parametrize("value", ["A" * 64, "0f8fad5b-d9cb-469f-a165-70867728950e", "shoes"])
def test_values_of_another_form_are_explained(value: str, tmp_path: Path) -> None:
    room = changed("dcr", matchingIdType="HASHED_EMAIL")
    room["lab"]["identifiersConfig"] = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ]
    ended = run(tmp_path, room, seed=f"{value},shoes\n")
    assert "Seed: 1 invalid row, not a SHA-256 hash in lower-case hex. Correct the values in the export." in ended.err
    assert "Seed: It has no valid row" in ended.err
    assert value not in ended.err + ended.out


def test_hidden_counts_are_nowhere(tmp_path: Path) -> None:
    ended = run(tmp_path, changed("dcr", hideAbsoluteValuesFromInsights=True))
    assert ended.code == 0
    found = results(tmp_path)
    entry = found["overlap"]["overlap_statistics"][0]
    assert entry["match_rate"] == 0.833 and entry["advertiser_is_empty"] is False
    assert [entry[key] for key in ("advertiser_size", "overlap_size", "num_activation_ids_in_overlap")] == [None] * 3
    assert found["insights"]["total_publisher"] is None
    assert found["estimates"] == {"r": {"userId": None}} and found["seed_audiences"][0]["audienceSize"] is None
    columns = found["insights"]["audiences"][0]["aggregations"][0]["columns"]
    assert columns == ["interest", "affinity_ratio", "share_in_overlap", "share_in_matchable_audience"]


def test_noise_is_the_same_for_the_same_input(tmp_path: Path) -> None:
    room = changed("privacy", noise="laplace")
    documents = []
    for _ in range(2):
        assert run(tmp_path, room).code == 0
        documents.append((tmp_path / "out" / "results.json").read_bytes())
    assert documents[0] == documents[1]


def test_a_score_that_is_no_number_is_not_repeated(tmp_path: Path) -> None:
    definition = {"kind": "LOOKALIKE", "sourceRef": {"kind": "SEED", "audienceType": "shoes"}, "reach": 10}
    room = {**ROOM, "audiences": [{"id": "l", "name": "l", "definition": definition}]}
    run(tmp_path, room)
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "scores_l.csv").write_text(f"{USERS[0]},0.5\n{USERS[1]},{SECRET_ID}\n")
    (tmp_path / "scores" / "holdout_l.csv").write_text(f"{USERS[0]}\n")
    files = {name: tmp_path / f"{name}.csv" for name in FILES}
    ended = command(tmp_path / "room.json", files, tmp_path / "new", "--scores", tmp_path / "scores")
    assert ended.code == 3
    assert SECRET_ID not in ended.err and SECRET_USER not in ended.err
    assert not (tmp_path / "new" / "results.json").exists()
