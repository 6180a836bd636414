"""Audiences are created, shared and deleted with the wire actions of the vendor's package."""

from __future__ import annotations

from typing import Any

import pytest

from datalab_dagster.media import (
    AudienceCombinatorBuilder,
    AudienceFilters,
    CombineOperator,
    ExclusionTargetingAudienceBuilder,
    Filter,
    FilterOperator,
    LookalikeAudienceBuilder,
    MatchOperator,
    RemarketingAudienceBuilder,
    RuleBasedAudienceBuilder,
    RuleBasedAudienceDefinition,
    api,
)
from datalab_dagster.media.action import GetAudiencePrerequisitesAction
from tests.sdk.media_client import PUBLISHER, Client, custom, room_of, seed


@pytest.fixture
def client() -> Client:
    return Client()


def created(client: Any) -> Any:
    """Return the definition that was sent last."""
    sent = client.actions[-1]
    assert set(sent) == {"kind", "createCustomAudience"} and sent["kind"] == "media"
    return sent["createCustomAudience"]


def test_a_lookalike_audience(client: Any) -> None:
    builder = LookalikeAudienceBuilder(name="L", reach=30, source_audience=seed("A"))
    definition = builder.with_exclude_seed_audience().with_share_with_participants([PUBLISHER]).build()
    made = room_of(client).create_lookalike_audience(definition)
    wire = {
        "kind": "LOOKALIKE",
        "reach": 30,
        "sourceRef": {"kind": "SEED", "audienceType": "A"},
        "excludeSeedAudience": True,
    }
    assert created(client) == {"name": "L", "definition": wire, "sharedWith": ["pub"]}
    assert isinstance(made, api.CustomAudience) and isinstance(made.definition, api.CustomAudienceDefinition1)
    assert (definition.kind, definition.shared_with) == ("LOOKALIKE", ["pub"])


@pytest.mark.parametrize(
    ("builder", "kind", "method"),
    [
        (RemarketingAudienceBuilder, "REMARKETING", "create_remarketing_audience"),
        (ExclusionTargetingAudienceBuilder, "EXCLUSION_TARGETING", "create_exclusion_targeting_audience"),
    ],
)
def test_audiences_of_a_seed_type(client: Any, builder: Any, kind: str, method: str) -> None:
    definition = builder(name="R", source_audience_type="A").with_share_with_participants([PUBLISHER]).build()
    made = getattr(room_of(client), method)(definition)
    wire = {"kind": kind, "seedAudienceRef": {"audienceType": "A"}}
    assert created(client) == {"name": "R", "definition": wire, "sharedWith": ["pub"]}
    assert made.definition.kind == kind


def test_a_rule_based_audience(client: Any) -> None:
    age = Filter(attribute="age", values=["18-24"], operator=FilterOperator.CONTAINS_NONE)
    filters = AudienceFilters(filters=[age], operator=MatchOperator.MATCH_ANY)
    other = AudienceCombinatorBuilder(operator=CombineOperator.DIFF, source_audience=custom()).with_filters(filters)
    base: Any = api.AudienceReference1(kind="BASE")
    builder = RuleBasedAudienceBuilder(name="Q", source_audience=base).with_filters(filters)
    made = room_of(client).create_rule_based_audience(builder.with_combinator([other.build()]).build())
    written = {
        "booleanOp": "OR",
        "filters": [{"operator": "CONTAINS_NONE_OF", "attribute": "age", "values": ["18-24"]}],
    }
    wire = {
        "kind": "RULE_BASED",
        "sourceRef": {"kind": "BASE"},
        "filters": written,
        "combine": [{"operator": "DIFF", "sourceRef": {"kind": "CUSTOM", "id": "id-C"}, "filters": written}],
    }
    assert created(client) == {"name": "Q", "definition": wire, "sharedWith": []}
    assert isinstance(made.definition, api.CustomAudienceDefinition2)


def test_a_copy_of_an_audience_is_shared_with_nobody(client: Any) -> None:
    definition = RuleBasedAudienceDefinition(name="Q", source_audience=seed(""), shared_with=None)
    room_of(client).create_rule_based_audience(definition)
    empty = {"kind": "RULE_BASED", "sourceRef": {"kind": "SEED", "audienceType": ""}, "filters": None, "combine": None}
    assert created(client) == {"name": "Q", "definition": empty, "sharedWith": []}


def test_sharing_replaces_and_deleting_says_whether_dependents_go_too(client: Any) -> None:
    room, audience = room_of(client), custom(sharedWith=["x"])
    room.share_audiences([audience], [PUBLISHER])
    assert audience.sharedWith == ["pub"]
    room.delete_audiences([audience])
    room.delete_audiences([audience], delete_dependent_audiences=True)
    GetAudiencePrerequisitesAction("room", client, audience).get()
    definition = {"kind": "REMARKETING", "seedAudienceRef": {"audienceType": "A"}}
    update = {"audienceId": "id-C", "definition": definition, "name": "C", "sharedWith": ["pub"]}
    assert client.actions == [
        {"kind": "media", "updateCustomAudience": update},
        {"kind": "media", "deleteCustomAudience": {"audienceId": "id-C", "forceDeletePrerequisites": False}},
        {"kind": "media", "deleteCustomAudience": {"audienceId": "id-C", "forceDeletePrerequisites": True}},
        {"kind": "media", "getAudiencePrerequisites": {"audienceId": "id-C"}},
    ]
