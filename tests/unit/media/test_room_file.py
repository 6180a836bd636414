"""ROOM.json is read strictly: every error at once, each with its place and the nearest known name."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from datalab.collaboration import CollaborationType
from datalab.errors import ConfigurationError
from datalab.media.definitions import RuleBased
from datalab.media.room import load_room, room_from_dict

ROOM: dict[str, Any] = {
    "title": "A room",
    "dcr": {"matchingIdType": "EMAIL"},
    "lab": {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isActivationId": True},
            {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
        ]
    },
    "audiences": [
        {
            "id": "r",
            "name": "r",
            "definition": {
                "kind": "RULE_BASED",
                "sourceRef": {"kind": "SEED", "audienceType": ""},
                "filters": {"booleanOp": "AND", "filters": [{"attribute": "age", "operator": "EMPTY"}]},
                "combine": [{"operator": "DIFF", "sourceRef": {"kind": "CUSTOM", "id": "x"}}],
            },
        },
        {"id": "l", "name": "l", "definition": {"kind": "LOOKALIKE", "sourceRef": {"kind": "BASE"}, "reach": 100}},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The room with another value at a path such as `dcr.id`."""
    room = copy.deepcopy(ROOM)
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = room
    for part in outer:
        place = place[part]
    place[last] = value
    return room


def test_a_room_has_the_defaults_of_the_specification() -> None:
    room = room_from_dict(ROOM)
    assert room.types == frozenset(CollaborationType)
    assert room.lab.collaboration_types == list(CollaborationType)
    assert (room.dcr.id, room.dcr.show_match_rate, room.hides_counts) == ("preflight", False, False)
    assert room.privacy.model_dump() == {
        "audience_rounding": 100,
        "segment_rounding": 50,
        "min_overlap": 100,
        "min_export": 100,
        "min_training": 100,
        "noise": "off",
    }
    assert isinstance(room.audiences["r"].definition, RuleBased)
    assert room.matching_id and room.matching_id.id_name == "email"
    assert room.activation_id and room.activation_id.id_name == "userId"


def test_a_lab_has_no_type_that_its_identifiers_do_not_allow() -> None:
    room = room_from_dict(changed("lab.identifiersConfig.0.isActivationId", False))
    assert room.lab.collaboration_types == [CollaborationType.OVERLAP, CollaborationType.INSIGHTS]
    assert room.types == frozenset(CollaborationType) and room.activation_id is None


DEFINITION, FILTERS = "audiences.0.definition", "audiences[0].definition.filters"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("dcrs", {}, "dcrs: Unknown key; did you mean 'dcr'?"),
        ("dcr.activationIdNam", "maid", "dcr.activationIdNam: Unknown key; did you mean 'activationIdName'?"),
        ("dcr.matchingIdType", "EMAILS", "; did you mean 'EMAIL'?"),
        ("dcr.showMatchRate", "yes", "dcr.showMatchRate: "),
        ("dcr.collaborationTypes", ["OVERLAPS"], "dcr.collaborationTypes[0]: Unknown value; expected one of OVERLAP, "),
        ("privacy", {"min_exports": 1}, "privacy.min_exports: Unknown key; did you mean 'min_export'?"),
        ("privacy", {"noise": "laplac"}, "privacy.noise: Unknown value; expected one of off, laplace; did you mean"),
        ("privacy", {"min_export": -1}, "privacy.min_export: "),
        ("model", {"algorithm": "boosting"}, "model.algorithm: Unknown value; expected one of logistic_regression"),
        (
            "lab.identifiersConfig.1.idTyp",
            "EMAIL",
            "lab.identifiersConfig[1].idTyp: Unknown key; did you mean 'idType'?",
        ),
        ("lab.identifiersConfig", [], "lab.identifiersConfig: Identifiers config must be provided"),
        ("audiences.1.id", "r", "audiences: Two audiences have the id 'r'"),
        ("audiences.1.definition.reach", 101, "audiences[1].definition.reach: "),
        ("audiences.1.definition.reach", 1.5, "audiences[1].definition.reach: "),
        ("audiences.1.definition.kind", "LOOKALIK", "audiences[1].definition: Unknown value; expected one of"),
        (f"{DEFINITION}.filtrs", None, "audiences[0].definition.filtrs: Unknown key; did you mean 'filters'?"),
        (f"{DEFINITION}.filters.booleanOps", "AND", f"{FILTERS}.booleanOps: Unknown key; did you mean 'booleanOp'?"),
        (
            f"{DEFINITION}.filters.filters.0.value",
            [],
            f"{FILTERS}.filters[0].value: Unknown key; did you mean 'values'?",
        ),
        (f"{DEFINITION}.filters.filters.0.operator", "EMPTYS", "; did you mean 'EMPTY'?"),
        (f"{DEFINITION}.combine.0.operators", "x", "combine[0].operators: Unknown key; did you mean 'operator'?"),
        (f"{DEFINITION}.combine.0.operator", "DIF", "combine[0].operator: Unknown value; expected one of INTERSECT, "),
        (f"{DEFINITION}.sourceRef.audience", "x", "sourceRef.audience: Unknown key; did you mean 'audienceType'?"),
        (f"{DEFINITION}.sourceRef", {"kind": "SEED"}, "audiences[0].definition.sourceRef.audienceType: Missing key"),
        (f"{DEFINITION}.sourceRef", {}, "audiences[0].definition.sourceRef: Missing key 'kind'"),
    ],
)
def test_every_error_has_its_place(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        room_from_dict(changed(path, value))
    assert sentence in str(error.value)


def test_all_errors_are_told_at_once() -> None:
    room = {**changed("dcr.matchingIdTyp", "x"), "privacy": {"noise": "x"}, "lab": {"identifiersConfig": []}}
    with pytest.raises(ConfigurationError) as error:
        room_from_dict(room)
    assert "The room has 3 errors; nothing was done." in str(error.value)
    for nothing in ([], "room", None, {}):
        with pytest.raises(ConfigurationError):
            room_from_dict(nothing)


def test_a_room_is_read_from_json_and_yaml(tmp_path: Path) -> None:
    (tmp_path / "room.json").write_text(json.dumps(ROOM))
    (tmp_path / "room.yaml").write_text("dcr:\n  matchingIdType: EMAIL\nlab:\n" + YAML_LAB)
    assert load_room(tmp_path / "room.json") == room_from_dict(ROOM)
    assert load_room(tmp_path / "room.yaml").lab == room_from_dict(ROOM).lab
    (tmp_path / "room.json").write_text("{")
    with pytest.raises(ConfigurationError, match="It is not JSON"):
        load_room(tmp_path / "room.json")


YAML_LAB = """
  identifiersConfig:
    - {idName: userId, idType: STRING, isActivationId: true}
    - {idName: email, idType: EMAIL, isMatchingId: true}
"""
