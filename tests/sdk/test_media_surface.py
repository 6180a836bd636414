"""Scripts for the vendor's media modules find every parameter, default, field, value and wire action of the list."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

from datalab_dagster import media
from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.media import compute_job
from datalab_dagster.media.api import SeedAudience
from datalab_dagster.media.helper import current_iso_standard_utc_time, generate_id
from datalab_dagster.media.report_jobs import MediaBaseAudienceValidationReportsJob
from datalab_dagster.types import CollaborationType
from tests.sdk import media_surface as surface
from tests.sdk.media_client import Client, seed
from tests.sdk.media_surface import Listed

MORE_MEMBERS = {"CellValidationErrorCode"}
"""Ours has the codes of identifiers too, as for labs."""
WIRE = surface.SURFACE["wire_compute_actions"]


def named(listed: Listed) -> str:
    return f"{listed.module.rpartition('.')[2]}.{listed.name}"


def test_the_names_that_scripts_import() -> None:
    assert sorted(media.__all__) == sorted(surface.SURFACE["__all__"])
    assert all(getattr(media, name) is not None for name in media.__all__)


def test_the_list_is_read_whole() -> None:
    """A list that is not read in would pass every test below."""
    assert len(surface.modules()) == 15
    assert len(surface.objects("class")) + len(surface.objects("model")) + len(surface.objects("enum")) > 90
    assert len(list(surface.callables())) > 130
    assert len(list(surface.raises())) > 20


@pytest.mark.parametrize("name", surface.modules())
def test_modules_and_aliases(name: str) -> None:
    home = importlib.import_module(surface.ours(name))
    for alias, written in surface.modules()[name]["aliases"].items():
        if alias in ("Literal", "Union"):
            continue
        found = getattr(home, alias)
        if alias != "JSONType":  # refers to itself, so it cannot be spelled
            assert surface.spelled(found) == written.replace("typing.", "")


@pytest.mark.parametrize(("name", "function", "listed"), [pytest.param(*one, id=one[0]) for one in surface.callables()])
def test_parameters(name: str, function: Callable[..., Any], listed: list[dict[str, str]]) -> None:
    expected = [{key: one[key] for key in ("name", "kind", "default")} for one in listed]
    assert surface.parameters(function) == expected, name


@pytest.mark.parametrize("listed", surface.objects("class"), ids=named)
def test_bases(listed: Listed) -> None:
    above = {base.__name__ for base in listed.ours().__mro__}
    assert set(listed.entry["bases"]) <= above


@pytest.mark.parametrize("listed", surface.objects("enum"), ids=named)
def test_members(listed: Listed) -> None:
    mine = listed.ours()
    found = surface.members(mine)
    expected = listed.entry["members"]
    if listed.name in MORE_MEMBERS:
        found = {name: value for name, value in found.items() if name in expected}
    assert found == expected
    assert issubclass(mine, str) == ("str" in listed.entry["bases"])
    first = next(iter(mine))
    assert str(first) == f"{listed.name}.{first.name}"


@pytest.mark.parametrize("listed", surface.objects("model"), ids=named)
def test_fields(listed: Listed) -> None:
    fields = listed.ours().model_fields
    for name, entry in listed.entry["fields"].items():
        assert surface.spelled(fields[name].annotation) == surface.theirs(entry["annotation"]), name
        assert fields[name].is_required() == entry["required"], name
        assert surface.default(fields[name]) == entry["default"], name
        assert [one for one in map(repr, fields[name].metadata) if "Ge" in one] == entry["constraints"], name
    assert list(fields) == list(listed.entry["fields"])


@pytest.mark.parametrize("name", surface.SURFACE["reexported"])
def test_what_comes_from_elsewhere(name: str) -> None:
    found = typing.cast(type[Enum], getattr(media, name))
    assert surface.members(found) == surface.SURFACE["reexported"][name]
    assert issubclass(found, str)


@pytest.mark.parametrize("name", WIRE)
def test_wire_actions_of_jobs(name: str) -> None:
    made = job(name)
    if "composite_of" in WIRE[name]:
        assert {type(part).__name__ for part in parts(made)} == set(WIRE[name]["composite_of"])
        return
    assert made.action == WIRE[name]["action"]
    assert made.result_zip_file_name == WIRE[name]["file"]
    assert (made.dcr_id, made.job_id) == ("dcr", None)
    assert isinstance(made, ComputeJob)


def job(name: str) -> Any:
    """Make a job with the arguments that the listed action was made with."""
    kind = getattr(compute_job, name)
    client: Any = Client()
    if name == "MediaGetAudiencesJob":
        return kind("dcr", "me@x", client, "group")
    if name in ("MediaGetCustomAudiencesJob", "MediaGetSeedAudiencesJob"):
        return kind("dcr", "me@x", client)
    with_audience = ("Lookalike", "EstimateAudienceSize", "AudienceUserList")
    return kind("dcr", seed("A"), client) if any(word in name for word in with_audience) else kind("dcr", client)


def parts(composite: Any) -> list[ComputeJob]:
    if isinstance(composite, MediaBaseAudienceValidationReportsJob):
        return list(composite.validation_jobs.values())
    return [part for part in vars(composite).values() if isinstance(part, ComputeJob)]


def test_an_admin_never_gets_the_report_of_the_identifiers() -> None:
    client: Any = Client()
    jobs = MediaBaseAudienceValidationReportsJob("dcr", client, as_decentriq_admin=True)
    assert list(jobs.validation_jobs) == ["segments", "demographics"]
    assert all(one.as_decentriq_admin for one in jobs.validation_jobs.values())


def test_collaboration_types_are_those_of_the_domain_and_permissions_print_as_at_the_vendors() -> None:
    assert media.CollaborationType is CollaborationType
    assert str(media.Permission.VIEW_OVERLAP) == "Permission.VIEW_OVERLAP"


def test_helpers() -> None:
    assert generate_id() != generate_id() and len(generate_id()) == 36
    assert current_iso_standard_utc_time().endswith("Z")


def test_models_read_and_write_json() -> None:
    made = SeedAudience.model_validate_json(
        '{"kind": "SEED", "audienceType": "A", "createdAt": "2026-11-28T10:00:00Z", "isEmpty": false}'
    )
    assert made.model_dump_json() == (
        '{"kind":"SEED","audienceType":"A","audienceSize":null,"createdAt":"2026-11-28T10:00:00Z","isEmpty":false}'
    )
