"""Making a lab in four steps, with forms alone: what is shown, what is refused, what comes out."""

from __future__ import annotations

import html
import json

import pytest

from datalab.collaboration import CollaborationType
from datalab.id_types import IdType
from datalab.kinds import DatasetKind
from datalab_dagster.portal.pages import draft as making
from datalab_dagster.portal.pages.draft import Draft, DraftIdentifier, problems
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, QuietService
from tests.portal.pages.reading import Read, read, send
from tests.portal.pages.test_lab_page import status_of

NEW = "/datalabs/new"
USER_ID = DraftIdentifier(id_name="userId")
HEM = DraftIdentifier(id_name="hem", id_type=IdType.HASHED_EMAIL, is_matching_id=True)


def step_of(page: Read) -> str:
    return page.form(NEW).fields["step"]


def at_field(page: Read, field: str) -> str:
    """Return what is said at a field, to which the summary of the problems leads."""
    assert f"#{field}" in page.links and any(found.get("id") == field for _, found in page.tags)
    return html.unescape(page.html.split(f'id="{field}-problem">')[1].split("</span>")[0])


def test_four_steps_make_a_lab(publisher: TestClient, service: QuietService) -> None:
    page = read(publisher, NEW)
    assert "Needs a matching id, an activation id and segments; better with demographics" in page.text
    page = send(publisher, page, NEW, dataset="segments", go="next")
    assert step_of(page) == "2" and "At least one activation id, for" in page.text
    page = send(publisher, page, NEW, id_name_1="hem", go="next")
    assert step_of(page) == "3" and "userId, hem" in page.text
    page = send(publisher, page, NEW, num_columns="2", go="next")
    assert step_of(page) == "4" and "What the lab will be ready for" in page.text
    assert "Identifiers userId, id" in page.text and "Segments userId, segment" in page.text
    page = send(publisher, page, NEW, name=" Spring base ", share_statistics="yes", go="next")
    assert "Created Spring base. Provision its datasets next." in page.text
    (lab,) = service.labs()
    definition = lab.definition
    assert (lab.name, lab.created_by, definition.publisher_email) == ("Spring base", PUBLISHER, PUBLISHER)
    assert definition.num_identifiers_columns == 2 and definition.share_statistics and definition.drop_invalid_rows
    assert definition.datasets == [DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS]
    assert CollaborationType.EXCLUSION_TARGETING not in definition.collaboration_types
    assert [(entry.id_name, entry.is_matching_id) for entry in definition.identifiers_config] == [
        ("userId", False),
        ("hem", True),
    ]


def test_back_keeps_what_was_chosen(publisher: TestClient) -> None:
    page = send(
        publisher, read(publisher, NEW), NEW, dataset=["segments", "embeddings"], num_embeddings="12", go="next"
    )
    page = send(publisher, page, NEW, id_name_1="my_hash", go="step-1")
    assert step_of(page) == "1"
    assert page.form(NEW).fields["num_embeddings"] == "12"
    assert "my_hash" in page.form(NEW).fields["draft"]


def test_identifiers_are_added_and_removed_without_scripts(publisher: TestClient) -> None:
    page = send(publisher, read(publisher, NEW), NEW, dataset="segments", go="next")
    page = send(publisher, page, NEW, go="add")
    assert page.form(NEW).fields["id_name_2"] == "" and step_of(page) == "2"
    page = send(publisher, page, NEW, id_name_2="maid", id_type_2="MAID", activation_2="yes", go="remove-0")
    fields = page.form(NEW).fields
    assert (fields["id_name_0"], fields["id_name_1"], fields["id_type_1"]) == ("hashed_email", "maid", "MAID")
    assert "id_name_2" not in fields


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id_name_0": "user_id"}, "One identifier must be named 'userId'"),
        ({"id_name_1": "userId"}, "Duplicate idName 'userId'"),
        ({"matching_0": "yes", "id_type_0": "HASHED_EMAIL"}, "Multiple matching IDs cannot have the same type"),
        ({"id_name_1": ""}, "At least one identifier must be a matching ID"),
        ({"activation_0": "no"}, "REMARKETING needs at least one identifier with isActivationId"),
    ],
)
def test_rules_of_identifiers_are_told_at_their_step(publisher: TestClient, changed: dict[str, str], said: str) -> None:
    page = send(publisher, read(publisher, NEW), NEW, dataset="segments", go="next")
    page = send(publisher, page, NEW, **changed, go="next")
    assert status_of(page) == "422" and step_of(page) == "2"
    assert said in at_field(page, "identifiers") and "There is a problem" in page.text


def test_types_need_their_datasets(publisher: TestClient, service: QuietService) -> None:
    page = read(publisher, NEW)
    fields = {key: value for key, value in page.form(NEW).fields.items() if key not in ("dataset", "num_embeddings")}
    answer = publisher.post(NEW, data={**fields, "type": ["INSIGHTS", "LOOKALIKE"], "go": "next"})
    assert answer.status_code == 422
    assert answer.text.count('<a href="#segments">') == 2 and answer.text.count('id="segments-problem"') == 1
    assert "Insights must have segments: add the dataset, or leave Insights out." in answer.text
    assert "AI lookalike must have segments or embeddings" in answer.text
    answer = publisher.post(NEW, data={**fields, "type": "LOOKALIKE", "dataset": "embeddings", "go": "next"})
    assert '<a href="#num_embeddings">Embeddings need the number of embedding columns, at least 1.</a>' in answer.text
    assert 'id="num_embeddings-problem">Embeddings need the number' in answer.text
    many = {"type": "LOOKALIKE", "dataset": "embeddings", "num_embeddings": "10001", "go": "next"}
    answer = publisher.post(NEW, data={**fields, **many})
    assert "Embeddings have at most 10,000 embedding columns." in answer.text
    assert service.labs() == []


def test_a_lab_needs_a_name(publisher: TestClient, service: QuietService) -> None:
    page = send(publisher, read(publisher, NEW), NEW, dataset="segments", go="next")
    page = send(publisher, send(publisher, page, NEW, go="next"), NEW, go="next")
    page = send(publisher, page, NEW, name="   ", go="next")
    assert status_of(page) == "422" and at_field(page, "name") == "Enter a name for the Datalab."
    assert service.labs() == []


def test_a_problem_of_an_earlier_step_has_no_field_here() -> None:
    draft = Draft(identifiers=[DraftIdentifier(id_name=""), DraftIdentifier(id_name="userId", is_matching_id=True)])
    named, unnamed = problems(draft, 2), problems(draft, 3)
    assert [(one.text, one.field) for one in named if one.field != "identifiers"] == [
        ("Enter a name for identifier 1.", "id_name_0")
    ]
    assert {one.text for one in named} <= {one.text for one in unnamed}
    assert all(not one.field for one in unnamed if one.text in {early.text for early in named})


@pytest.mark.parametrize("draft", ["", "{", "[]", '{"identifiers": [{"idType": "NONSENSE"}]}', '{"numColumns": "x"}'])
def test_a_draft_that_was_tampered_with_starts_anew(publisher: TestClient, draft: str) -> None:
    page = read(publisher, NEW)
    page = send(publisher, page, NEW, draft=draft, step="4", name="Sly", go="step-2")
    assert step_of(page) == "2" and page.form(NEW).fields["id_name_1"] == "hashed_email"


def test_rules_hold_even_when_steps_are_skipped(publisher: TestClient, service: QuietService) -> None:
    sly = {**json.loads(Draft().model_dump_json(by_alias=True)), "identifiers": [], "numColumns": 1}
    page = send(publisher, read(publisher, NEW), NEW, draft=json.dumps(sly), step="4", name="Sly", go="next")
    assert status_of(page) == "422" and "Identifiers config must be provided" in page.text
    assert service.labs() == []


def test_a_viewer_makes_no_lab(viewer: TestClient) -> None:
    assert viewer.get(NEW).status_code == 403
    assert viewer.post(NEW, data={"go": "next"}).status_code == 403


def test_what_each_type_requires_is_that_of_the_domain() -> None:
    must = {entry.type.value: entry.must for entry in making.requirements()}
    assert must == {
        "OVERLAP": ["a matching id"],
        "INSIGHTS": ["a matching id", "segments"],
        "REMARKETING": ["a matching id", "an activation id"],
        "RULE_BASED": ["a matching id", "an activation id", "segments"],
        "LOOKALIKE": ["a matching id", "an activation id", "segments or embeddings"],
        "EXCLUSION_TARGETING": ["a matching id", "an activation id"],
    }
    nice = {entry.type.value for entry in making.requirements() if entry.nice == ["demographics"]}
    assert nice == {"INSIGHTS", "RULE_BASED", "LOOKALIKE"}


@pytest.mark.parametrize(
    ("identifiers", "possible"),
    [([USER_ID], [1, 3]), ([USER_ID, HEM], [2, 3]), ([USER_ID, HEM, DraftIdentifier(id_name="maid")], [3])],
)
def test_schemas_that_fit_the_identifiers(identifiers: list[DraftIdentifier], possible: list[int]) -> None:
    draft = Draft(identifiers=identifiers, num_columns=2)
    assert [schema.columns for schema in making.schemas(draft) if schema.possible] == possible
    assert making.with_possible_schema(draft).num_columns == (2 if 2 in possible else 3)
