"""The lab definition: every error at once, near names, rules, defaults, reading files.

The rules: docs/spec/validation.md#111-configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from datalab.errors import ConfigurationError, InputMissing, InputUnreadable
from datalab.lab import LabDefinition, lab_from_dict, load_lab
from tests.labs import EMAIL, HASH, MATCHED_USER_ID, USER_ID, make_lab, wire_lab

ANY = [MATCHED_USER_ID]


def errors(data: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        lab_from_dict(data)
    return raised.value.mistakes


def test_all_mistakes_are_listed_at_once() -> None:
    found = errors(
        {
            "requireSegment": True,
            "numIdentifiersColumns": 4,
            "dropInvalidRows": "yes",
            "collaborationTypes": ["REMARKETNG"],
            "identifiersConfig": [
                {"idName": "a", "idType": "EMAIL", "isMatchingId": True},
                {"idName": "a", "idType": "EMAIL", "isMatchingId": True},
                {"idName": "b", "idTyp": "STRING", "isActivationId": None},
            ],
        }
    )
    places = sorted(error.split(":")[0] for error in found)
    assert places == [
        "collaborationTypes[0]",
        "dropInvalidRows",
        "identifiersConfig",
        "identifiersConfig",
        "identifiersConfig",
        "identifiersConfig[2].idTyp",
        "identifiersConfig[2].isActivationId",
        "numIdentifiersColumns",
        "requireSegment",
    ]


def test_a_misspelt_key_is_one_error() -> None:
    with pytest.raises(ConfigurationError) as raised:
        lab_from_dict({"name": "x", "identifersConfig": [MATCHED_USER_ID]})
    assert raised.value.mistakes == ["identifersConfig: Unknown key; did you mean 'identifiersConfig'?"]


def test_the_message_counts_and_shows_every_mistake() -> None:
    with pytest.raises(ConfigurationError) as raised:
        lab_from_dict({"nam": "x", "shareStatistics": 1, **wire_lab(MATCHED_USER_ID)}, "LAB.json")
    text = str(raised.value)
    assert text.startswith("LAB.json has 2 errors; nothing was done.")
    assert all(f"\n  - {error}" in text for error in raised.value.mistakes)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ({"requireSegment": True}, "'requireSegments'"),
        ({"drop_invalid_row": True}, "'dropInvalidRows'"),
        ({"numEmbedings": 3}, "'numEmbeddings'"),
        ({"collaborationTypes": ["LOOK_ALIKE"]}, "'LOOKALIKE'"),
        ({"collaborationTypes": ["overlap"]}, "'OVERLAP'"),
        ({"identifiersConfig": [{**MATCHED_USER_ID, "idType": "EMIAL"}]}, "'EMAIL'"),
        ({"identifiersConfig": [{**MATCHED_USER_ID, "idType": "hashed_email"}]}, "'HASHED_EMAIL'"),
        ({"identifiersConfig": [{**MATCHED_USER_ID, "isMatching": True}]}, "'isMatchingId'"),
    ],
)
def test_a_wrong_key_or_value_suggests_the_near_one(wrong: dict[str, Any], near: str) -> None:
    [error] = errors({**wire_lab(MATCHED_USER_ID), **wrong})
    assert error.endswith(f"did you mean {near}?")


def test_a_key_that_resembles_nothing_has_no_suggestion() -> None:
    assert errors({**wire_lab(MATCHED_USER_ID), "zzz": 1}) == ["zzz: Unknown key"]


def test_a_user_id_in_other_case_is_pointed_out() -> None:
    [error] = errors(wire_lab({**MATCHED_USER_ID, "idName": "userid"}))
    assert error == "identifiersConfig: One identifier must be named 'userId'; is it 'userid'?"


@pytest.mark.parametrize(
    ("identifiers", "keys", "rule"),
    [
        ([], {}, "Identifiers config must be provided"),
        (
            [MATCHED_USER_ID, EMAIL, {"idName": "email", "idType": "STRING"}],
            {},
            "Duplicate idName 'email' found in config. idNames must be unique.",
        ),
        ([USER_ID], {}, "At least one identifier must be a matching ID"),
        ([USER_ID, EMAIL, {**EMAIL, "idName": "e2"}], {}, "Multiple matching IDs cannot have the same type"),
        ([EMAIL], {}, "One identifier must be named 'userId'"),
        ([USER_ID, EMAIL], {"numIdentifiersColumns": 1}, "Expected 1 configuration entry for userId"),
        (ANY, {"numIdentifiersColumns": 2}, "2 column input dataset must have 2 identifiers in config, got 1"),
        (
            [USER_ID, EMAIL, HASH],
            {"numIdentifiersColumns": 2},
            "2 column input dataset must have 2 identifiers in config, got 3",
        ),
        (ANY, {"requireEmbeddings": True}, "requireEmbeddings needs numEmbeddings"),
        (ANY, {"requireEmbeddings": True, "numEmbeddings": 0}, "requireEmbeddings needs numEmbeddings"),
        ([{**USER_ID, "idName": "userId"}, {**EMAIL, "idName": "all_users"}], {}, "cannot be named 'all_users'"),
    ],
)
def test_each_rule(identifiers: list[dict[str, Any]], keys: dict[str, Any], rule: str) -> None:
    data = {"identifiersConfig": identifiers, **keys}
    [error] = errors(data)
    assert rule in error


@pytest.mark.parametrize("kind", ["REMARKETING", "RULE_BASED", "LOOKALIKE", "EXCLUSION_TARGETING"])
def test_activating_users_needs_an_activation_id(kind: str) -> None:
    without = {**MATCHED_USER_ID, "isActivationId": False}
    [error] = errors(wire_lab(without, collaborationTypes=[kind]))
    assert error == f"collaborationTypes: {kind} needs at least one identifier with isActivationId"
    assert lab_from_dict(wire_lab(MATCHED_USER_ID, collaborationTypes=[kind]))


@pytest.mark.parametrize("flag", ["isMatchingId", "isActivationId"])
def test_a_flag_that_is_null_is_a_mistake(flag: str) -> None:
    assert any(flag in error for error in errors(wire_lab({**MATCHED_USER_ID, flag: None}, EMAIL)))


def test_one_and_two_column_labs_hold_together() -> None:
    assert make_lab(MATCHED_USER_ID, numIdentifiersColumns=1).num_identifiers_columns == 1
    assert make_lab(EMAIL, USER_ID, numIdentifiersColumns=2).other_id.id_name == "email"


def test_several_matching_strings_that_are_not_matching_ids_are_fine() -> None:
    make_lab(USER_ID, EMAIL, {**EMAIL, "idName": "second", "isMatchingId": False})


def test_the_defaults_are_those_that_an_owner_expects() -> None:
    lab = lab_from_dict({"identifiersConfig": ANY})
    wire = json.loads(lab.model_dump_json(by_alias=True))
    assert wire == {
        "name": "Data Lab",
        "identifiersConfig": [{**MATCHED_USER_ID, "isUserId": None}],
        "numIdentifiersColumns": 3,
        "requireSegments": False,
        "requireDemographics": False,
        "requireEmbeddings": False,
        "numEmbeddings": 0,
        "collaborationTypes": ["OVERLAP", "INSIGHTS", "REMARKETING", "RULE_BASED", "LOOKALIKE"],
        "shareStatistics": False,
        "dropInvalidRows": True,
        "kind": "dataLab",
        "version": "v0",
        "publisherEmail": None,
    }


def test_the_default_collaboration_types_are_those_that_the_roles_allow() -> None:
    lab = make_lab({**MATCHED_USER_ID, "isActivationId": False})
    assert [kind.value for kind in lab.collaboration_types] == ["OVERLAP", "INSIGHTS"]


def test_overlap_is_always_on() -> None:
    kinds = make_lab(collaborationTypes=["REMARKETING"]).collaboration_types
    assert {kind.value for kind in kinds} == {"OVERLAP", "REMARKETING"}


def test_the_datasets_are_identifiers_and_those_that_are_required() -> None:
    lab = make_lab(requireEmbeddings=True, numEmbeddings=3, requireSegments=True)
    assert [kind.value for kind in lab.datasets] == ["identifiers", "segments", "embeddings"]


def test_a_definition_survives_its_own_wire_form() -> None:
    lab = make_lab(name="Läb", requireDemographics=True, collaborationTypes=["INSIGHTS"])
    assert LabDefinition.model_validate_json(lab.model_dump_json(by_alias=True)) == lab


def test_the_model_itself_reports_all_mistakes() -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        LabDefinition.model_validate({"identifiersConfig": [USER_ID], "nam": 1})
    assert raised.value.error_count() == 2


def test_a_lab_is_read_from_json_and_yaml(tmp_path: Path) -> None:
    as_json, as_yaml = tmp_path / "LAB.json", tmp_path / "lab.yaml"
    as_json.write_text("\ufeff" + json.dumps(wire_lab(name="Lab")), encoding="utf-8")
    as_yaml.write_text(
        "name: Lab\nidentifiersConfig:\n"
        "  - {idName: userId, idType: STRING, isActivationId: true}\n"
        "  - {idName: email, idType: EMAIL, isMatchingId: true}\n"
    )
    assert load_lab(as_json) == load_lab(as_yaml) == make_lab(name="Lab")


def test_a_missing_definition_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=r"none\.json"):
        load_lab(tmp_path / "none.json")


def test_a_directory_cannot_be_read_as_a_definition(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="directory"):
        load_lab(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("lab.json", b'{"name": "x",}', "It is not JSON: .* in line 1, column 14"),
        ("lab.json", b"", "It is not JSON"),
        ("lab.json", b'{"a": 1}\n{"b"', "It is not JSON"),
        ("lab.yaml", b"name: [1\nx: 2", "It is not YAML in line 2"),
        ("lab.yaml", b"a: !!python/object:os.system x", "It is not YAML in line 1"),
        ("lab.yml", b"", "Input should be a valid dictionary"),
        ("lab.json", b"[1, 2]", "Input should be a valid dictionary"),
        ("lab.json", b"\xff\xfe\x00", "It is not a text file in UTF-8"),
        ("lab.json", b'{"identifiersConfig": "userId"}', "identifiersConfig: Input should be a valid list"),
        ("lab.json", b'{"identifiersConfig": ["userId"]}', r"identifiersConfig\[0\]: Input should be a valid dict"),
    ],
)
def test_a_file_that_is_no_definition_says_what_it_is_not(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as raised:
        load_lab(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "lab.json",
            '{"identifiersConfig": [{"idName": ["x"], "idType": "STRING", "isMatchingId": true}]}',
            id="a name that is a list",
        ),
        pytest.param(
            "lab.yaml",
            "name: 2026-99-99",
            id="an impossible date in YAML",
        ),
        pytest.param(
            "lab.json",
            '{"numEmbeddings": ' + "9" * 5000 + "}",
            id="a number of 5000 digits",
        ),
        pytest.param(
            "lab.json",
            "[" * 200_000,
            id="deep JSON",
        ),
        pytest.param(
            "lab.yaml",
            "[" * 3000,
            id="deep YAML",
        ),
        pytest.param(
            "lab.json",
            json.dumps(wire_lab(name="\ud800")),
            id="half a character in the name",
        ),
    ],
)
def test_odd_content_is_a_mistake_and_no_crash(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigurationError):
        load_lab(tmp_path / name)
