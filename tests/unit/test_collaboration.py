"""What the collaboration types need, by the table of the specification."""

from __future__ import annotations

import pytest

from datalab.collaboration import CollaborationType, Part
from datalab.lab import LabDefinition
from datalab_dagster import media

NEEDS = {
    "OVERLAP": (["matching id"], []),
    "INSIGHTS": (["matching id", "segments"], ["demographics"]),
    "REMARKETING": (["matching id", "activation id"], []),
    "RULE_BASED": (["matching id", "activation id", "segments"], ["demographics"]),
    "LOOKALIKE": (["matching id", "activation id", "segments or embeddings"], ["demographics"]),
    "EXCLUSION_TARGETING": (["matching id", "activation id"], []),
}


def test_every_type_needs_what_the_table_says() -> None:
    found = {kind.value: ([*map(str, kind.must)], [*map(str, kind.nice)]) for kind in CollaborationType}
    assert found == NEEDS and list(found) == list(NEEDS)


def test_the_vendors_enumeration_has_the_same_types() -> None:
    assert {kind.name for kind in CollaborationType} == {kind.name for kind in media.CollaborationType}


@pytest.mark.parametrize("kind", CollaborationType)
def test_a_type_is_found_by_its_wire_name(kind: CollaborationType) -> None:
    assert CollaborationType(kind.name) is kind and f"{kind}" == kind.value == kind.name


def test_only_overlap_is_always_on_and_only_exclusion_targeting_is_off_by_default() -> None:
    assert [kind.value for kind in CollaborationType if kind.is_always_on] == ["OVERLAP"]
    assert [kind.value for kind in CollaborationType if not kind.is_default] == ["EXCLUSION_TARGETING"]


@pytest.mark.parametrize("kind", CollaborationType)
def test_a_lab_refuses_a_type_that_activates_without_an_activation_id(kind: CollaborationType) -> None:
    lab = {
        "identifiersConfig": [{"idName": "userId", "idType": "STRING", "isMatchingId": True}],
        "collaborationTypes": [kind.value],
    }
    if kind.activates:
        with pytest.raises(ValueError, match=kind.value):
            LabDefinition.model_validate(lab)
    else:
        assert kind in LabDefinition.model_validate(lab).collaboration_types


@pytest.mark.parametrize("part", Part)
def test_a_part_is_found_by_what_readiness_calls_it(part: Part) -> None:
    assert Part(part.value) is part and part.value in part.words
